/**
 * 200 messages of 20 kinds, delivered to a real mail server, become 200 ledger rows and 200 stream entries with the right fields,
 * raw bytes as the server has them, and not a flag changed (issue 2).
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { describe, expect, it } from 'vitest';
import { openDelivery } from '@mailstream/shared/testing/deliver';
import { useDovecot } from '@mailstream/shared/testing/fixtures';
import { useGreenmail } from '@mailstream/shared/testing/greenmail';
import { MESSAGE_KINDS, messageOfKind, type MessageOfKind } from '@mailstream/shared/testing/message-kinds';
import { isWatching, startDaemon, useWorld, type StreamEntry } from './daemon.ts';

const world = await useWorld();
const greenmail = await useGreenmail();
const PER_KIND = 10;

interface MailServer {
  readonly host: string;
  readonly imapPort: number;
  readonly delivery: { readonly host: string; readonly port: number; readonly protocol: 'lmtp' | 'smtp' };
  readonly user: string;
  readonly password: string;
  readonly address: string;
}

/** Ten of each kind, interleaved; the largest forms once, since size is the only difference between them. */
function twoHundred(): readonly MessageOfKind[] {
  return Array.from({ length: PER_KIND }, (_, round) =>
    MESSAGE_KINDS.map((kind, index) =>
      messageOfKind(
        kind,
        1 + round * MESSAGE_KINDS.length + index,
        round === 0
          ? { largeAttachmentBytes: 25_000_000 }
          : { largeAttachmentBytes: 300_000, attachmentCount: 30, recipientCount: 300 },
      ),
    ),
  ).flat();
}

interface Stored {
  readonly uid: number;
  /** As delivered: see `numbered`. */
  readonly number: number;
  readonly sha256: string;
  readonly flags: readonly string[];
}

/**
 * A server may give UIDs in another order than it took the mails (Dovecot's Maildir does, where a reader holds the list of UIDs at that
 * moment), so each mail carries the number under which it is found again.
 */
function numbered(raw: Buffer, number: number): Buffer {
  return Buffer.concat([Buffer.from(`X-Delivery-Number: ${number}\r\n`), raw]);
}

function numberOf(raw: Buffer): number {
  return Number(/^X-Delivery-Number: (\d+)\r?$/m.exec(raw.toString('latin1'))?.[1]);
}

/** In the order of the UIDs. */
async function inMailbox(server: MailServer): Promise<readonly Stored[]> {
  const client = new ImapFlow({
    host: server.host,
    port: server.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user: server.user, pass: server.password },
    logger: false,
  });
  await client.connect();
  try {
    await client.mailboxOpen('INBOX', { readOnly: true });
    const found: Stored[] = [];
    for await (const message of client.fetch('1:*', { uid: true, source: true, flags: true })) {
      const flags = [...(message.flags ?? [])].filter((flag) => flag !== '\\Recent').sort();
      const source = message.source ?? Buffer.alloc(0);
      found.push({ uid: message.uid, number: numberOf(source), sha256: hash(source), flags });
    }
    return found.sort((a, b) => a.uid - b.uid);
  } finally {
    await client.logout();
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** NUL bytes are not text; servers replace them on delivery, each in its own way. */
const CHANGED_BY_SERVERS = new Set(['nul-bytes']);

function expectFields(entry: StreamEntry, { kind, expected }: MessageOfKind): void {
  const mail = entry.payload.emailData;
  expect.soft(mail.id, kind).toBe(expected.messageId ?? `imap-hash-${mail.raw.sha256}`);
  expect.soft(mail.from, kind).toEqual(expected.from ?? { email: '' });
  const asSent = CHANGED_BY_SERVERS.has(kind) ? expected.subject.replaceAll('\uFFFD', '.') : null;
  if (asSent === null) expect.soft(mail.subject, kind).toBe(expected.subject);
  else expect.soft(mail.subject, kind).toMatch(new RegExp(`^${asSent}$`));
  expect.soft(mail.to, kind).toHaveLength(expected.recipients);
  const found = mail.attachments.map(({ name, contentType, size, sha256, isInline }) => ({
    name,
    contentType,
    size,
    sha256,
    isInline,
  }));
  expect.soft(found, kind).toEqual(expected.attachments);
  if (asSent !== null) return;
  expect.soft(mail.body.text.trim(), kind).toBe(expected.text);
  expect.soft(mail.body.html?.trim() ?? null, kind).toBe(expected.html);
}

async function run(server: MailServer): Promise<void> {
  await world.redis.flushdb();
  const provider = await world.addProvider({
    host: server.host,
    port: server.imapPort,
    username: server.user,
    password: server.password,
  });
  const daemon = startDaemon(world.env);
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  const messages = twoHundred();
  const session = await openDelivery(server.delivery);
  for (const [number, { raw }] of messages.entries()) {
    await session.send({ from: 'sender@example.com', to: server.address, raw: numbered(raw, number) });
  }
  session.close();
  const before = await inMailbox(server);
  expect(new Set(before.map((message) => message.number)).size).toBe(messages.length);

  const entries = await world.entries(messages.length);
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  expect(entries).toHaveLength(messages.length);
  const rows = await world.sql<{ uid: number; status: string; content_hash: string }>(
    'SELECT uid::int AS uid, status, content_hash FROM inbound_messages WHERE provider_id = $1 ORDER BY uid',
    [provider.id],
  );
  expect(rows).toHaveLength(messages.length);
  expect(rows.map((row) => row.content_hash)).toEqual(before.map((message) => message.sha256));
  expect(entries.map((entry) => entry.payload.emailData.uid)).toEqual(before.map((message) => message.uid));
  for (const [index, entry] of entries.entries()) {
    const message = messages[before[index]?.number ?? -1];
    if (message === undefined) throw new Error(`an entry of no message: ${JSON.stringify(before[index])}`);
    expectFields(entry, message);
    const { raw } = entry.payload.emailData;
    expect(hash(await readFile(join(world.storageDir, raw.storageKey)))).toBe(raw.sha256);
    expect(raw.sha256).toBe(before[index]?.sha256);
  }
  expect(await inMailbox(server)).toEqual(before);
  expect(await daemon.stop()).toBe(0);
  await world.changeProvider(provider, 'email_providers', { is_active: false });
}

describe('200 messages of 20 kinds', () => {
  it('through Dovecot', { timeout: 180_000 }, async () => {
    const dovecot = useDovecot();
    const user = dovecot.newUser();
    await run({
      host: dovecot.host,
      imapPort: dovecot.port,
      delivery: { host: dovecot.host, port: dovecot.lmtpPort, protocol: 'lmtp' },
      user,
      password: dovecot.password,
      address: `${user}@example.com`,
    });
  });

  it.skipIf(greenmail === null)(
    'through GreenMail (needs Java and Maven)',
    { timeout: 180_000 },
    async () => {
      if (greenmail === null) return;
      const user = greenmail.newUser();
      await run({
        host: greenmail.host,
        imapPort: greenmail.imapPort,
        delivery: { host: greenmail.host, port: greenmail.smtpPort, protocol: 'smtp' },
        user,
        password: greenmail.password,
        address: user,
      });
    },
  );
});
