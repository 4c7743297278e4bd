/**
 * Reports about mails of ours as mail servers write them: read by the daemon's own reader, their parts in a real storage, and applied
 * to a real database.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { storageUnavailable } from '@mailstream/shared/storage/storage-faults';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { useDatabase, useRedis } from '@mailstream/shared/testing/fixtures';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { afterAll, describe, expect, it } from 'vitest';
import { ingestMail } from '../../email-service/src/adapters/mail-ingest.ts';
import { DEFAULT_PARSER_LIMITS } from '../../email-service/src/adapters/mail-limits.ts';
import { buildPayload } from '../../email-service/src/core/event-builder.ts';
import { createReturnedMails } from '../src/returned-mail.ts';
import { exchange, gmail, postfix, postfixHeaderOnly, qmail } from './bounce-mails.ts';
import { useInbox } from './inbox-fixture.ts';
import { useWorld, type Mailbox } from './world.ts';

const db = await useDatabase();
const redis = await useRedis();
const world = useWorld({ ownerUrl: db.ownerUrl, redisUrl: redis.url });
const folder = await mkdtemp(join(tmpdir(), 'mailstream-bounces-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const storage = createStorage(pathToFileURL(folder).href);
const inbox = useInbox(world, db.url, createReturnedMails(storage, systemClock));

const OURS = '<ms.t-1.abcdefghijklmnopqrstuvwxyz@acme.example>';
const LIMITS = {
  maxAttachmentBytes: 25_000_000,
  maxTotalAttachmentBytes: 25_000_000,
  maxAttachmentCount: 100,
  maxRawMimeBytes: 25_000_000,
};

/** What the daemon makes of a raw mail; its parts are in the storage then. */
async function read({ tenant, providerId: id }: Mailbox, raw: string): Promise<EmailData> {
  const key = {
    tenant: tenantId(tenant),
    providerId: providerId(id),
    folder: 'INBOX',
    uidValidity: 7,
    uid: 1,
  };
  const source = { kind: 'bytes', bytes: Buffer.from(raw) } as const;
  const task = {
    tenant: key.tenant,
    source,
    mode: 'full',
    limits: LIMITS,
    parser: DEFAULT_PARSER_LIMITS,
    spoolDir: folder,
  } as const;
  const at = new Date('2026-01-02T03:04:07Z');
  const about = { internalDate: at, threadId: null, occurredAt: at };
  return buildPayload(key, await ingestMail(task, storage), about).emailData;
}

/** A mailbox with a ticket of Jane's, and a mail of ours about it that the server took. */
async function withMailOfOurs(): Promise<Mailbox & { readonly ticketId: string }> {
  const mailbox = await world.newMailbox();
  const outcome = await inbox.receive(mailbox, {
    id: '<question@customer.example>',
    from: { email: 'gone@customer.example' },
    subject: 'Printer',
  });
  if (outcome.kind !== 'ticket') throw new Error(outcome.kind);
  await world.query(
    `INSERT INTO outbound_messages (tenant, id, provider_id, ticket_id, kind, state, dedupe_key, recipient, subject, body_text, message_id)
     VALUES ($1, gen_random_uuid(), $2, $3, 'agent_reply', 'sent', 'x', 'gone@customer.example', 'Re: [#1] Printer', 'x', $4)`,
    [mailbox.tenant, mailbox.providerId, outcome.ticketId, OURS],
  );
  await inbox.sent(mailbox.tenant, outcome.ticketId, OURS);
  return { ...mailbox, ticketId: outcome.ticketId };
}

const stateOfMail = (tenant: string): Promise<readonly { state: string; error_code: string | null }[]> =>
  world.query('SELECT state, error_code FROM outbound_messages WHERE tenant = $1', [tenant]);

describe('a report about a mail of ours', () => {
  it.each([
    ['Postfix, with the whole mail', postfix],
    ['Postfix, with its header alone', postfixHeaderOnly],
    ['Exchange', exchange],
    ['Gmail', gmail],
    ['qmail', qmail],
  ])('comes to its ticket and marks the mail: %s', async (_, bounce) => {
    const at = await withMailOfOurs();
    const email = await read(at, bounce({ id: '<report@mx.customer.example>', about: OURS }));
    expect(await inbox.receive(at, email)).toEqual({ kind: 'comment', ticketId: at.ticketId });
    expect(await stateOfMail(at.tenant)).toEqual([{ state: 'bounced', error_code: 'BOUNCED' }]);
    expect(await inbox.tickets(at.tenant)).toMatchObject([
      { status: 'open', comments: 2, attention: ['bounce'], participants: ['gone@customer.example'] },
    ]);
  });
});

describe('a report that somebody made up', () => {
  it('about a mail that we did not send is a ticket of its own, whatever it brings back', async () => {
    const at = await withMailOfOurs();
    for (const about of ['<question@customer.example>', '<ms.t-1.guessedguessedguessed@acme.example>'])
      expect(
        await inbox.receive(at, await read(at, postfix({ id: `<r-${about.slice(1)}`, about }))),
      ).toMatchObject({ kind: 'ticket' });
    expect(await stateOfMail(at.tenant)).toEqual([{ state: 'sent', error_code: null }]);
    const [first, ...others] = await inbox.tickets(at.tenant);
    expect(first).toMatchObject({ comments: 1, attention: [] });
    expect(others).toMatchObject([{ attention: ['bounce'] }, { attention: ['bounce'] }]);
  });

  it('about a mail of another tenant finds nothing', async () => {
    const [ours, theirs] = [await withMailOfOurs(), await world.newMailbox()];
    const email = await read(theirs, postfix({ id: '<r@x.example>', about: OURS }));
    expect(await inbox.receive(theirs, email)).toMatchObject({ kind: 'ticket' });
    expect(await stateOfMail(ours.tenant)).toEqual([{ state: 'sent', error_code: null }]);
  });

  it('lets its author see and change no more than the note that he wrote', async () => {
    const at = await withMailOfOurs();
    await world.query(`UPDATE tickets SET status = 'closed', closed_at = now() WHERE id = $1`, [at.ticketId]);
    const email = await read(at, gmail({ id: '<r@evil.example>', about: OURS }));
    await inbox.receive(at, { ...email, from: { email: 'mallory@evil.example' } });
    expect(await inbox.tickets(at.tenant)).toMatchObject([
      { status: 'closed', participants: ['gone@customer.example'] },
    ]);
    // Nor does knowing the report's own Message-ID let anybody in.
    expect(
      await inbox.receive(at, { from: { email: 'mallory@evil.example' }, inReplyTo: '<r@evil.example>' }),
    ).toMatchObject({ kind: 'ticket' });
  });

  it('is not believed in an event that names what another tenant stored', async () => {
    const [at, other] = [await withMailOfOurs(), await world.newMailbox()];
    const email = await read(other, postfix({ id: '<r@x.example>', about: OURS }));
    expect(await inbox.receive(at, email)).toMatchObject({ kind: 'ticket' });
  });
});

describe('a storage', () => {
  const report = async (at: Mailbox): Promise<EmailData> =>
    read(at, postfix({ id: '<r@mx.customer.example>', about: OURS }));
  const down = createReturnedMails(
    { read: () => Promise.reject(storageUnavailable(new Error('down'))) },
    systemClock,
  );
  const withoutStorage = useInbox(world, db.url, down);

  it('that is away is waited for, and then done without', async () => {
    const at = await withMailOfOurs();
    const email = await report(at);
    expect(await withoutStorage.receive(at, email, true)).toEqual({ kind: 'originalUnreadable' });
    expect(await inbox.tickets(at.tenant)).toMatchObject([{ comments: 1 }]);
    expect(await withoutStorage.receive(at, email, false)).toMatchObject({ kind: 'ticket' });
  });

  it('is not asked about mails of people, nor where the report itself names the mail', async () => {
    const at = await world.newMailbox();
    const { attachments } = await report(at);
    const person = {
      ...(await report(at)),
      headers: [],
      from: { email: 'jane@example.org' },
      subject: 'See',
    };
    expect(await down.headerFor(tenantId(at.tenant), { ...person, attachments })).toEqual({
      kind: 'nothing',
    });
    const named = await report(at);
    const text = `${named.body.text}\nOriginal-Message-ID: ${OURS}\n`;
    expect(await down.headerFor(tenantId(at.tenant), { ...named, body: { text } })).toEqual({
      kind: 'nothing',
    });
  });

  it('that hangs is left after a while, and what it gives late is closed', async () => {
    const at = await world.newMailbox();
    const email = await report(at);
    const clock = new FakeClock();
    let give: (stream: Readable) => void = () => undefined;
    const late = new Promise<Readable>((resolve) => (give = resolve));
    const asked = createReturnedMails({ read: () => late }, clock).headerFor(tenantId(at.tenant), email);
    clock.advance(3_000);
    expect(await asked).toEqual({ kind: 'unreadable' });
    const stream = Readable.from(['Message-ID: <x@x>\n\n']);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    give(stream);
    await closed;
  });

  it('gives no more than the header, of a returned mail of any size', async () => {
    const at = await world.newMailbox();
    const email = await report(at);
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          given += 16_384;
          yield Buffer.alloc(16_384, 'x');
        }
      })(),
    );
    const header = await createReturnedMails({ read: () => Promise.resolve(endless) }, systemClock).headerFor(
      tenantId(at.tenant),
      email,
    );
    expect(header).toEqual({ kind: 'header', text: 'x'.repeat(65_536) });
    expect(endless.destroyed).toBe(true);
    expect(given).toBeLessThan(1_000_000);
  });
});
