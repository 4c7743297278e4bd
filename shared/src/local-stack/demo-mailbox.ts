/** The demo mailbox, added over the API as a person would. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import type { MailEndpoints } from './servers.ts';
import { SetupError } from './setup-error.ts';

const NAME = 'Demo mailbox';
export const DEMO_MAILBOX = 'demo@mail.example';

const providerSchema = z.object({
  id: z.uuid(),
  mailbox: z.string(),
  imap: z.object({ host: z.string(), port: z.number() }),
});
const pageSchema = z.object({ items: z.array(providerSchema) });
type Provider = z.infer<typeof providerSchema>;

export interface Api {
  readonly url: string;
  readonly token: string;
}

/** Creates it, or tells it where the mail server is now. @returns its id */
export async function ensureDemoMailbox(api: Api, mail: MailEndpoints): Promise<string> {
  const { items } = pageSchema.parse(
    await call(api, 'GET', `/api/email/providers?search=${encodeURIComponent(DEMO_MAILBOX)}`),
  );
  const found = items.find(({ mailbox }) => mailbox === DEMO_MAILBOX);
  if (found === undefined) return (await create(api, mail)).id;
  if (found.imap.host !== mail.imap.host || found.imap.port !== mail.imap.port) {
    await call(api, 'PATCH', `/api/email/providers/${found.id}`, {
      imap: { host: mail.imap.host, port: mail.imap.port, password: mail.imap.password },
    });
  }
  return found.id;
}

async function create(api: Api, { imap }: MailEndpoints): Promise<Provider> {
  return providerSchema.parse(
    await call(api, 'POST', '/api/email/providers', {
      providerType: 'imap',
      providerName: NAME,
      mailbox: DEMO_MAILBOX,
      isActive: true,
      imap: {
        host: imap.host,
        port: imap.port,
        secure: false,
        allowStarttls: false,
        authType: 'password',
        username: imap.user,
        password: imap.password,
        folderFilters: [],
      },
    }),
  );
}

async function call(api: Api, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(api.url + path, {
    method,
    headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new SetupError(`${method} ${path} was answered with ${response.status}: ${text.slice(0, 500)}`, 1);
  return JSON.parse(text);
}

/**
 * Waits until the INBOX has its baseline: mail that arrives before would belong to the time before the mailbox was added.
 * @throws Error with what the email service says of the mailbox.
 */
export async function whenWatched(adminUrl: string, tenant: string, providerId: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(100)) {
      if (await hasBaseline(client, tenant, providerId)) return;
    }
    const { rows } = await client.query<{ status: string; error_message: string | null }>(
      'SELECT status, error_message FROM email_providers WHERE tenant = $1 AND id = $2',
      [tenant, providerId],
    );
    throw new SetupError(
      `The demo mailbox is not watched after 60 s: ${rows[0]?.status}, ${rows[0]?.error_message ?? 'no message'}. ` +
        'See .data/logs/email-service.log.',
      1,
    );
  } finally {
    await client.end();
  }
}

async function hasBaseline(client: pg.Client, tenant: string, providerId: string): Promise<boolean> {
  // The owner of a database from outside has to name the tenant, too.
  await client.query(`SELECT set_config('mailstream.tenant', $1, false)`, [tenant]);
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT folder_state <> '{}' AS has FROM imap_email_provider_config WHERE tenant = $1 AND email_provider_id = $2`,
    [tenant, providerId],
  );
  return rows[0]?.has ?? false;
}
