/** Reads what a run left: mailboxes, stream, ledger, storage, tickets and gate, past all links. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { deadLetterStream, streamName } from '@mailstream/shared/events/email-received';
import { decodeEntry } from '@mailstream/shared/events/decode-entry';
import { isBodyOf, keyInHeader, keyOfMessageId, sha256 } from './message.ts';
import type { Mailbox } from './mailboxes.ts';
import type { Evidence, LedgerRecord, MailboxMessage, StreamRecord } from './oracle.ts';
import { ownershipFindings, refusedWrites } from './ownership.ts';
import type { Senders } from './senders.ts';
import type { World } from './world.ts';

export interface Circumstances {
  /** Messages from before the first baseline: none may come out. */
  readonly old: ReadonlySet<string>;
  /** A store lost what it had confirmed. */
  readonly hadLosses: boolean;
  /** Nothing that happened excuses a process that works without its lease. */
  readonly isUndisturbed: boolean;
}

export async function collect(
  world: World,
  senders: Senders,
  mailbox: readonly MailboxMessage[],
  { old, hadLosses, isUndisturbed }: Circumstances,
): Promise<Evidence> {
  const tenants: string[] = [];
  for (const { tenant, tenantIndex } of world.mailboxes) tenants[tenantIndex] = tenant;
  const comments = await world.sql<{ tenant: string; message_id: string | null; body_text: string }>(
    'SELECT tenant, message_id, body_text FROM ticket_comments',
  );
  const gate = await world.sql<{ tenant: string; event_id: string; message_id: string | null }>(
    'SELECT tenant, event_id, message_id FROM email_processed_messages',
  );
  return {
    tenants,
    accepted: [...senders.accepted.keys()].filter((key) => !old.has(key)),
    unknown: [...senders.unknown],
    mailbox,
    stream: await readStream(world),
    comments: comments.map(({ tenant, message_id: id, body_text: text }) => {
      const key = keyOfMessageId(id ?? '');
      return { key, tenant, hasWholeBody: key !== null && isBodyOf(key, text) };
    }),
    gate: gate.map((row) => ({
      key: keyOfMessageId(row.message_id ?? ''),
      tenant: row.tenant,
      eventId: row.event_id,
    })),
    // After a change of UIDVALIDITY old messages are noted as old.
    ledger: (await readLedger(world)).filter(
      ({ key, status }) => status !== 'skipped' || !old.has(key ?? ''),
    ),
    deadLetters: await readDeadLetters(world),
    crashes: world.endings
      .filter(({ isUnexpected }) => isUnexpected)
      .map(
        ({ replica, incarnation, code, signal }) => `${replica}.${incarnation} ended with ${signal ?? code}`,
      ),
    staleWrites: await ownershipFindings(world, 'stale write'),
    twoOwners: [
      ...(await ownershipFindings(world, 'two owners')),
      ...(isUndisturbed ? await refusedWrites(world) : []),
    ],
    hadLosses,
  };
}

/** Without those in `old`. */
export async function readMailboxes(
  world: World,
  old: ReadonlySet<string>,
): Promise<readonly MailboxMessage[]> {
  const found: MailboxMessage[] = [];
  for (const mailbox of world.mailboxes) found.push(...(await readMailbox(world, mailbox)));
  return found.filter(({ key }) => !old.has(key));
}

async function readMailbox(world: World, mailbox: Mailbox): Promise<readonly MailboxMessage[]> {
  const { imapPort: port, password: pass } = world.dovecot.server;
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: mailbox.user, pass },
    logger: false,
  });
  await client.connect();
  try {
    const opened = await client.mailboxOpen('INBOX', { readOnly: true });
    const found: MailboxMessage[] = [];
    if (opened.exists === 0) return found;
    for await (const { uid, source = Buffer.alloc(0) } of client.fetch('1:*', { uid: true, source: true })) {
      const key = keyInHeader(source);
      if (key === null) throw new Error(`message ${uid} of ${mailbox.user} is none of ours`);
      const uidValidity = Number(opened.uidValidity);
      found.push({ key, provider: mailbox.id, uidValidity, uid, sha256: sha256(source) });
    }
    return found;
  } finally {
    await client.logout();
  }
}

async function readStream(world: World): Promise<readonly StreamRecord[]> {
  const entries = await world.withRedis((redis) => redis.xrange(streamName('', false), '-', '+'));
  return entries.map(([entryId, values]) => {
    const { tenant, payload } = decodeEntry(fieldsOf(values ?? []));
    const mail = payload.emailData;
    const key = keyOfMessageId(mail.id);
    return {
      entryId,
      key,
      tenant,
      provider: mail.providerId,
      uidValidity: mail.uidValidity,
      uid: mail.uid,
      rawSha256: mail.raw.sha256,
      hasWholeBody: key !== null && isBodyOf(key, mail.body.text),
    };
  });
}

async function readDeadLetters(world: World): Promise<readonly (string | null)[]> {
  const entries = await world.withRedis((redis) =>
    redis.xrange(deadLetterStream(streamName('', false)), '-', '+'),
  );
  return entries.map(([, values]) => {
    const { payload_json: json = '' } = fieldsOf(values ?? []);
    return /t\d+m\d+n\d+(?=@chaos\.test)/.exec(json)?.[0] ?? null;
  });
}

function fieldsOf(values: readonly string[]): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (let index = 0; index < values.length; index += 2)
    fields[values[index] ?? ''] = values[index + 1] ?? '';
  return fields;
}

async function readLedger(world: World): Promise<readonly LedgerRecord[]> {
  const rows = await world.sql<{
    tenant: string;
    provider_id: string;
    uid_validity: string;
    uid: string;
    message_id: string | null;
    status: string;
    reason: string | null;
    content_hash: string | null;
    storage_key: string | null;
  }>(
    'SELECT tenant, provider_id, uid_validity, uid, message_id, status, reason, content_hash, storage_key FROM inbound_messages',
  );
  return Promise.all(
    rows.map(async (row) => ({
      key: keyOfMessageId(row.message_id ?? ''),
      tenant: row.tenant,
      provider: row.provider_id,
      uidValidity: Number(row.uid_validity),
      uid: Number(row.uid),
      status: row.status,
      reason: row.reason,
      contentHash: row.content_hash,
      storedSha256: await readFile(join(world.storage.folder, row.storage_key ?? 'none')).then(
        sha256,
        () => null,
      ),
    })),
  );
}
