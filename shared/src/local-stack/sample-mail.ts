/** One mail through the whole system: delivered, seen, published, made a ticket. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { decodeEntry } from '../events/decode-entry.ts';
import type { EmailReceivedPayload } from '../events/email-received-schema.ts';
import { createLogger } from '../runtime/logger.ts';
import { closeRedis, createRedis } from '../runtime/redis.ts';
import type { RedisClient } from '../runtime/redis-servers.ts';
import { deliver } from '../testing/deliver.ts';
import type { MailEndpoints } from './servers.ts';
import { SetupError } from './setup-error.ts';

export interface Arrival {
  readonly entryId: string;
  readonly eventId: string;
  readonly payload: EmailReceivedPayload;
  /** From the mail server's 250 to the entry on the stream. */
  readonly latencyMs: number;
  readonly ticketNumber: string;
}

const PATIENCE_MS = 60_000;
const BLOCK_MS = 1_000;

/** @throws Error naming the step that the mail did not reach within a minute. */
export async function sendSample(
  mail: MailEndpoints,
  urls: { readonly redis: string; readonly stream: string; readonly admin: string; readonly tenant: string },
): Promise<Arrival> {
  const redis = createRedis({
    url: urls.redis,
    name: 'sample mail',
    log: createLogger({ service: 'start', level: 'silent' }),
    blockMs: BLOCK_MS,
  });
  try {
    await whenReady(redis);
    const messageId = `<${randomUUID()}@mail.example>`;
    const [last] = await redis.xrevrange(urls.stream, '+', '-', 'COUNT', 1);
    await deliver({
      host: mail.smtp.host,
      port: mail.smtp.port,
      protocol: mail.smtp.lmtp ? 'lmtp' : 'smtp',
      from: 'ada@customer.example',
      to: mail.imap.user.includes('@') ? mail.imap.user : `${mail.imap.user}@localhost`,
      raw: Buffer.from(sample(messageId)),
    });
    const acceptedAt = Date.now();
    const entry = await whenPublished(redis, urls.stream, last?.[0] ?? '0-0', messageId);
    const ticketNumber = await whenTicket(urls.admin, urls.tenant, entry.eventId);
    return {
      ...entry,
      latencyMs: Math.max(0, Number(entry.entryId.split('-')[0]) - acceptedAt),
      ticketNumber,
    };
  } finally {
    await closeRedis(redis);
  }
}

async function whenReady(redis: RedisClient): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; redis.status !== 'ready'; await delay(20))
    if (Date.now() > deadline)
      throw new SetupError('Redis at REDIS_URL cannot be reached, so the sample mail was not sent.', 1);
}

async function whenPublished(
  redis: RedisClient,
  stream: string,
  after: string,
  messageId: string,
): Promise<Omit<Arrival, 'latencyMs' | 'ticketNumber'>> {
  let position = after;
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    const answer = await redis.xread('COUNT', 100, 'BLOCK', BLOCK_MS, 'STREAMS', stream, position);
    for (const [entryId, fields] of answer?.[0]?.[1] ?? []) {
      position = entryId;
      const { eventId, payload } = decodeEntry(asRecord(fields));
      if (payload.emailData.id === messageId) return { entryId, eventId, payload };
    }
  }
  throw new SetupError(
    'The sample mail was delivered, but no event appeared on the stream within a minute. See .data/logs/email-service.log.',
    1,
  );
}

function asRecord(fields: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) record[fields[at] as string] = fields[at + 1] as string;
  return record;
}

async function whenTicket(adminUrl: string, tenant: string, eventId: string): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`SELECT set_config('mailstream.tenant', $1, false)`, [tenant]);
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await delay(50)) {
      const { rows } = await client.query<{ number: string }>(
        `SELECT t.number FROM email_processed_messages p
         JOIN tickets t ON t.tenant = p.tenant AND t.id = p.ticket_id WHERE p.tenant = $1 AND p.event_id = $2`,
        [tenant, eventId],
      );
      if (rows[0] !== undefined) return rows[0].number;
    }
  } finally {
    await client.end();
  }
  throw new SetupError(
    'The event is on the stream, but no ticket appeared within a minute. See .data/logs/workflow-worker.log.',
    1,
  );
}

function sample(messageId: string): string {
  return [
    'From: Ada Lovelace <ada@customer.example>',
    'To: Demo <demo@mail.example>',
    `Subject: The printer on the 2nd floor is on fire`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="outer"',
    '',
    '--outer',
    'Content-Type: multipart/alternative; boundary="inner"',
    '',
    '--inner',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Hello,\r\n\r\nit says "lp0 on fire" again. The log is attached.\r\n\r\nAda',
    '--inner',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Hello,</p><p>it says <b>lp0 on fire</b> again. The log is attached.</p><p>Ada</p>',
    '--inner--',
    '--outer',
    'Content-Type: text/plain; name="printer.log"',
    'Content-Disposition: attachment; filename="printer.log"',
    '',
    'lp0: on fire',
    '--outer--',
    '',
  ].join('\r\n');
}
