/** Messages of every kind through the real worker threads into a real storage. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MESSAGE_KINDS, messageOfKind } from '@mailstream/shared/testing/message-kinds';
import { attachmentPart, entity } from '@mailstream/shared/testing/mime-parts';
import { receivedMail } from '../src/received-mail.ts';
import { KEY, LIMITS, payloadOf, useMailProcessor } from './mail-fixture.ts';

const signal = new AbortController().signal;

describe('a message of every kind', () => {
  const mail = useMailProcessor();

  it('gives the same event alone and in a group', async () => {
    const context = { internalDate: new Date(0), threadId: 'thread', occurredAt: new Date(1) };
    const small = { largeAttachmentBytes: 100_000, attachmentCount: 20, recipientCount: 300 };
    const raws = MESSAGE_KINDS.map((kind) => messageOfKind(kind, 17, small).raw);
    const mails = raws.map((raw, uid) => ({ key: { ...KEY, uid }, bytes: Uint8Array.from(raw), context }));
    const outcomes = await mail.processor().processAll(mails, signal);
    await mail.processor().barrier();
    for (const [uid, raw] of raws.entries()) {
      const alone = receivedMail({ ...KEY, uid }, await mail.process(raw), context);
      expect(outcomes[uid]).toEqual({ kind: 'received', mail: alone });
      expect((await mail.read(alone.raw.storageKey)).equals(raw)).toBe(true);
    }
  });

  it.each(MESSAGE_KINDS)(
    'of kind %s gives the right fields, and its raw bytes are kept as they are',
    async (kind) => {
      const { raw, expected } = messageOfKind(kind, 5);
      const processed = await mail.process(raw);
      const { emailData } = payloadOf(processed);

      expect(emailData.id).toBe(expected.messageId ?? `imap-hash-${sha256(raw)}`);
      expect(emailData.from).toEqual(expected.from ?? { email: '' });
      expect(emailData.subject).toBe(expected.subject);
      expect(emailData.to).toHaveLength(expected.recipients);
      expect(emailData.body.text.trim()).toBe(expected.text);
      expect(emailData.body.html?.trim() ?? null).toBe(expected.html);
      expect(emailData.date).toBe('2026-03-03T09:20:30.000Z');
      expect(emailData.parseError).toBeUndefined();
      expect(
        emailData.attachments.map(({ name, contentType, size, sha256: hash, isInline }) => ({
          name,
          contentType,
          size,
          sha256: hash,
          isInline,
        })),
      ).toEqual(expected.attachments);
      expect(emailData.raw).toEqual({
        storageKey: `${KEY.tenant}/raw/${sha256(raw).slice(0, 2)}/${sha256(raw)}.eml`,
        sha256: sha256(raw),
        size: raw.length,
      });
      expect(sha256(await mail.read(emailData.raw.storageKey))).toBe(sha256(raw));
      for (const attachment of emailData.attachments) {
        expect(sha256(await mail.read(attachment.storageKey))).toBe(attachment.sha256);
      }
    },
  );

  it.each(MESSAGE_KINDS)('of kind %s gives the same payload again from storage', async (kind) => {
    const { raw } = messageOfKind(kind, 6, { largeAttachmentBytes: 3_000_000 });
    const first = await mail.process(raw);
    const again = await mail.processor().processStored(KEY, first.raw, 'full', signal);
    expect(payloadOf(again)).toEqual(payloadOf(first));
  });

  it('gives two messages with the same Message-ID the same id and different raw forms', async () => {
    const [a, b] = await Promise.all(
      [1, 2].map(async (seed) => await mail.payload(messageOfKind('same-message-id', seed).raw)),
    );
    expect(a?.emailData.id).toBe(b?.emailData.id);
    expect(a?.emailData.raw.sha256).not.toBe(b?.emailData.raw.sha256);
  });
});

describe('what the daemon hands over', () => {
  const mail = useMailProcessor();

  it('reads a spooled file and removes it', async () => {
    const { raw, expected } = messageOfKind('related-cid', 9);
    const path = join(mail.folder(), 'spooled');
    await writeFile(path, raw);
    const processed = await mail
      .processor()
      .process(KEY, { kind: 'file', path, size: raw.length }, 'full', signal);
    expect(processed.raw.sha256).toBe(sha256(raw));
    expect(processed.mail.attachments).toHaveLength(expected.attachments.length);
    expect(await readdir(mail.folder())).not.toContain('spooled');
  });

  it('leaves a slice of a buffer that others hold usable', async () => {
    const { raw } = messageOfKind('plain', 10);
    const around = Buffer.concat([Buffer.from('before'), raw, Buffer.from('after')]);
    const bytes = around.subarray(6, 6 + raw.length);
    const processed = await mail.processor().process(KEY, { kind: 'bytes', bytes }, 'full', signal);
    expect(processed.raw.sha256).toBe(sha256(raw));
    expect(around.subarray(0, 6).toString()).toBe('before');
  });

  it('reads only the header block with headersOnly, and stores the raw form whole', async () => {
    const { raw, expected } = messageOfKind('many-attachments', 11);
    const bytes = Uint8Array.from(raw);
    const { mail: parsed, raw: ref } = await mail
      .processor()
      .process(KEY, { kind: 'bytes', bytes }, 'headersOnly', signal);
    expect(parsed).toMatchObject({
      messageId: expected.messageId,
      subject: expected.subject,
      text: '',
      html: null,
    });
    expect(parsed.attachments).toEqual([]);
    expect(parsed.parseError).toBeNull();
    expect(sha256(await mail.read(ref.storageKey))).toBe(sha256(raw));
  });

  it('says STORAGE_UNAVAILABLE when nothing can be stored', async () => {
    await rm(join(mail.folder(), 'storage'), { recursive: true, force: true });
    await writeFile(join(mail.folder(), 'storage'), 'in the way');
    await expect(mail.process(messageOfKind('plain', 12).raw)).rejects.toMatchObject({
      fault: { kind: 'transient', code: 'STORAGE_UNAVAILABLE' },
    });
    await rm(join(mail.folder(), 'storage'));
    await mkdir(join(mail.folder(), 'storage'));
    await mail.process(messageOfKind('plain', 12).raw);
  });
});

describe('what is over a cap', () => {
  const file = (bytes: number, name: string): Buffer =>
    attachmentPart('application/zip', Buffer.alloc(bytes, 1), {
      'Content-Disposition': `attachment; filename="${name}"`,
    });
  const raw = mixed([
    file(100, 'a.zip'),
    file(5000, 'b.zip'),
    file(800, 'c.zip'),
    file(150, 'd.zip'),
    file(10, 'e.zip'),
  ]);

  describe('of an attachment, of all, or of their number', () => {
    const mail = useMailProcessor({
      limits: { ...LIMITS, maxAttachmentBytes: 1000, maxTotalAttachmentBytes: 500, maxAttachmentCount: 4 },
    });

    it('is left out with a reason; the raw form has it', async () => {
      const { emailData } = await mail.payload(raw);
      expect(emailData.attachments.map(({ name }) => name)).toEqual(['a.zip', 'd.zip']);
      expect(emailData.ingressSkipReasons).toEqual([
        {
          type: 'attachment',
          reason: 'attachment_over_max_bytes',
          attachmentId: '2',
          attachmentName: 'b.zip',
          size: 5000,
          cap: 1000,
        },
        {
          type: 'attachment',
          reason: 'attachment_total_bytes_exceeded',
          attachmentId: '3',
          attachmentName: 'c.zip',
          size: 800,
          cap: 500,
        },
        {
          type: 'attachment',
          reason: 'attachment_count_exceeded',
          attachmentId: '5',
          attachmentName: 'e.zip',
          size: 10,
          cap: 4,
        },
      ]);
      expect(sha256(await mail.read(emailData.raw.storageKey))).toBe(sha256(raw));
    });
  });

  describe('of the raw form', () => {
    const mail = useMailProcessor({ limits: { ...LIMITS, maxRawMimeBytes: 1000 } });

    it('is an event with its header fields, a reason and its raw form', async () => {
      const { emailData } = await mail.payload(raw);
      expect(emailData.subject).toBe('Files');
      expect(emailData.attachments).toEqual([]);
      expect(emailData.ingressSkipReasons).toEqual([
        { type: 'raw_mime', reason: 'raw_mime_over_max_bytes', size: raw.length, cap: 1000 },
      ]);
      expect(sha256(await mail.read(emailData.raw.storageKey))).toBe(sha256(raw));
    });
  });

  describe('of zero', () => {
    const none = {
      maxAttachmentBytes: 0,
      maxTotalAttachmentBytes: 0,
      maxAttachmentCount: 0,
      maxRawMimeBytes: 0,
    };
    const mail = useMailProcessor({ limits: none });

    it('is nothing: zero means no limit', async () => {
      const { emailData } = await mail.payload(raw);
      expect(emailData.attachments).toHaveLength(5);
      expect(emailData.ingressSkipReasons).toBeUndefined();
    });
  });
});

describe('a long body', () => {
  const mail = useMailProcessor();

  it('is cut in the event and whole in storage', async () => {
    const html = `<p>${'Zeile mit Ümläuten "und" Zeichen\n'.repeat(40_000)}</p>`;
    const raw = entity({ Subject: 'Long', 'Content-Type': 'text/html; charset=utf-8' }, html);
    const { emailData } = await mail.payload(raw);
    expect(emailData.bodyTruncated).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(emailData))).toBeLessThan(512 * 1024);
    const stored = (await mail.read(emailData.body.htmlStorageKey ?? '')).toString('utf8');
    expect(stored.trim()).toBe(html);
    expect(html.startsWith(emailData.body.html ?? '?')).toBe(true);
  });
});

function mixed(parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from('--b\r\n'), part, Buffer.from('\r\n')]),
    Buffer.from('--b--'),
  ]);
  return entity({ Subject: 'Files', 'Content-Type': 'multipart/mixed; boundary=b' }, body);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
