/** Database and stream of a test file, and the means to look at what a worker did there. */
import { randomUUID } from 'node:crypto';
import type { EmailReceivedEntry } from '@mailstream/shared/events/email-received';
import { streamName } from '@mailstream/shared/events/email-received';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, expect } from 'vitest';
import { fieldsOf } from './emails.ts';

export const STREAM = streamName('', false);

export interface Mailbox {
  readonly tenant: string;
  readonly providerId: string;
}

export interface World {
  readonly redis: Redis;
  /** As the owner: no row-level security. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  newMailbox(tenant?: string): Promise<Mailbox>;
  publish(entries: readonly EmailReceivedEntry[], stream?: string): Promise<readonly string[]>;
  /** A ledger row as the daemon leaves it after publishing. */
  record(entry: EmailReceivedEntry, status?: 'received' | 'published'): Promise<void>;
  /** Message-IDs of the tenant's comments, in the order of their tickets' numbers. */
  comments(tenant: string): Promise<readonly string[]>;
  /** Waits until the group has read and acknowledged everything in the stream. */
  settled(stream?: string): Promise<void>;
}

export function useWorld(urls: { readonly ownerUrl: string; readonly redisUrl: string }): World {
  const pool = new pg.Pool({ connectionString: urls.ownerUrl, max: 2 });
  pool.on('error', () => undefined);
  const redis = new Redis(urls.redisUrl);
  redis.on('error', () => undefined);
  afterAll(async () => {
    redis.disconnect();
    await pool.end();
  });

  const world: World = {
    redis,
    query: async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
      (await pool.query<Row>(sql, [...values])).rows,
    newMailbox: async (tenant = randomUUID()) => {
      const providerId = randomUUID();
      await world.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'demo') ON CONFLICT DO NOTHING`, [
        tenant,
      ]);
      await world.query(
        `INSERT INTO email_providers (tenant, id, provider_name, mailbox) VALUES ($1, $2, 'demo', $3)`,
        [tenant, providerId, `${providerId}@example.com`],
      );
      return { tenant, providerId };
    },
    publish: async (entries, stream = STREAM) => {
      const pipeline = redis.pipeline();
      for (const entry of entries) pipeline.xadd(stream, '*', ...fieldsOf(entry));
      const replies = (await pipeline.exec()) ?? [];
      return replies.map(([error, id]) => {
        if (error !== null) throw error;
        return String(id);
      });
    },
    record: async (entry, status = 'published') => {
      const { emailData } = JSON.parse(entry.payload_json) as {
        emailData: Record<string, never> & { from: { email: string } };
      };
      await world.query(
        `INSERT INTO inbound_messages (tenant, provider_id, folder, uid_validity, uid, publish_seq, event_id, message_id, size, sender, status)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, 1, $8, $9)`,
        [
          entry.tenant,
          emailData['providerId'],
          emailData['folder'],
          emailData['uidValidity'],
          emailData['uid'],
          entry.event_id,
          emailData['id'],
          emailData.from.email,
          status,
        ],
      );
    },
    comments: async (tenant) => {
      const rows = await world.query<{ message_id: string }>(
        `SELECT c.message_id FROM ticket_comments c JOIN tickets t ON t.tenant = c.tenant AND t.id = c.ticket_id
          WHERE c.tenant = $1 ORDER BY t.number, c.created_at`,
        [tenant],
      );
      return rows.map((row) => row.message_id);
    },
    settled: async (stream = STREAM) => {
      await expect
        .poll(
          async () => {
            const groups = (await redis.call('XINFO', 'GROUPS', stream).catch(() => [])) as unknown[][];
            const flat = groups[0] ?? [];
            const at = (name: string): unknown => flat[flat.indexOf(name) + 1];
            return { groups: groups.length, lag: at('lag'), pending: at('pending') };
          },
          { timeout: 30_000, interval: 50 },
        )
        .toEqual({ groups: 1, lag: 0, pending: 0 });
    },
  };
  return world;
}
