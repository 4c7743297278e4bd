/** A worker that sends, and mailboxes that send through a peer. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect } from 'vitest';
import { workerEnvironment } from './worker-fixture.ts';
import type { Mailbox, World } from './world.ts';

export const KEY = randomBytes(32).toString('base64');

/** Environment of a worker that sends, relays at once and retries soon. */
export async function sendingEnvironment(
  urls: { readonly database: string; readonly redis: string },
  change: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, string>>> {
  const storage = await mkdtemp(join(tmpdir(), 'mailstream-outbound-'));
  afterAll(() => rm(storage, { recursive: true, force: true }));
  return workerEnvironment(urls, {
    SECRETS_MASTER_KEY: KEY,
    STORAGE_URL: pathToFileURL(storage).href,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    IMAP_PLAINTEXT_ALLOW_CIDRS: '127.0.0.0/8',
    IMAP_CONNECTION_TIMEOUT_MS: '1000',
    WORKER_MAIL_RETRY_BASE_MS: '100',
    WORKER_MAIL_RELAY_MS: '50',
    WORKER_MAIL_RELAY_AGAIN_MS: '300',
    WORKER_MAIL_LEASE_MS: '6000',
    ...change,
  });
}

export interface SentRow {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly error_code: string | null;
  readonly message_id: string;
  readonly recipient: string;
}

export interface OutboundFixture {
  /** Lets the mailbox send through a server on this machine. */
  sendsThrough(mailbox: Mailbox, port: number, columns?: Readonly<Record<string, unknown>>): Promise<void>;
  rows(tenant: string): Promise<readonly SentRow[]>;
  /** Waits for the states of all mails of the tenant, in the order of their making. */
  states(tenant: string, states: readonly string[], timeout?: number): Promise<readonly SentRow[]>;
}

export function useOutbound(world: World): OutboundFixture {
  const fixture: OutboundFixture = {
    sendsThrough: async ({ tenant, providerId }, port, columns = {}) => {
      const row = {
        tenant,
        provider_id: providerId,
        host: '127.0.0.1',
        port,
        security: 'plain',
        auth_type: 'none',
        from_email: `${providerId}@example.com`,
        acknowledge: true,
        ...columns,
      };
      const names = Object.keys(row);
      await world.query(
        `INSERT INTO smtp_settings (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
        Object.values(row),
      );
    },
    rows: (tenant) =>
      world.query<SentRow>('SELECT * FROM outbound_messages WHERE tenant = $1 ORDER BY created_at, id', [
        tenant,
      ]),
    states: async (tenant, states, timeout = 15_000) => {
      await expect
        .poll(async () => (await fixture.rows(tenant)).map((row) => row.state), { timeout, interval: 30 })
        .toEqual(states);
      return await fixture.rows(tenant);
    },
  };
  return fixture;
}
