/** Rows of `email_providers` and `imap_email_provider_config` to the domain's `ImapProvider`. Settings only: no cursor, lease or secret. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { providerId, tenantId, type ProviderId, type TenantId } from '../domain/ids.ts';
import { transportSecurity, type ImapAuth, type ImapProvider, type StartFrom } from '../domain/provider.ts';
import { FaultError } from '../errors/fault-error.ts';

const startFromSchema: z.ZodType<StartFrom> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('now') }),
  z.object({ kind: z.literal('last'), count: z.number().int().nonnegative() }),
  z.object({ kind: z.literal('since'), date: z.iso.date() }),
]);

const rowSchema = z.object({
  tenant: z.guid(),
  id: z.guid(),
  provider_name: z.string(),
  mailbox: z.string(),
  host: z.string(),
  port: z.number().int(),
  secure: z.boolean(),
  allow_starttls: z.boolean(),
  verify_certificate: z.boolean(),
  auth_type: z.enum(['password', 'oauth2']),
  username: z.string(),
  folder_filters: z.array(z.string()),
  start_from: startFromSchema,
  oauth_authorize_url: z.string().nullable(),
  oauth_token_url: z.string().nullable(),
  oauth_client_id: z.string().nullable(),
  oauth_scopes: z.string().nullable(),
  config_version: z.number().int(),
});

/** Providers of the IMAP kind by `:tenant` and `:ids`, as `toImapProvider` reads them; in any order. */
export const SELECT_IMAP_PROVIDERS = `
SELECT p.tenant, p.id, p.provider_name, p.mailbox, c.host, c.port, c.secure, c.allow_starttls, c.verify_certificate, c.auth_type,
       c.username, c.folder_filters, c.start_from, c.oauth_authorize_url, c.oauth_token_url, c.oauth_client_id, c.oauth_scopes,
       c.config_version
  FROM email_providers p
  JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
 WHERE p.tenant = :tenant AND p.id = ANY (CAST(:ids AS uuid[])) AND p.provider_type = 'imap'`;

/**
 * @returns null when the tenant has no such provider (or its settings are not there).
 * @throws FaultError INTERNAL when the row holds what no settings form could have stored.
 */
export async function loadImapProvider(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: ProviderId,
): Promise<ImapProvider | null> {
  const { rows } = await trx.raw<{ rows: readonly unknown[] }>(SELECT_IMAP_PROVIDERS, {
    tenant,
    ids: [id],
  });
  const [row] = rows;
  return row === undefined ? null : toImapProvider(row);
}

/** @throws FaultError INTERNAL when the row is not one of ours; names the columns, not their values. */
export function toImapProvider(row: unknown): ImapProvider {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) {
    const columns = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))];
    throw new FaultError({
      kind: 'bug',
      code: 'INTERNAL',
      detail: `provider row has bad columns: ${columns.join(', ')}`,
    });
  }
  const { data } = parsed;
  return {
    tenant: tenantId(data.tenant),
    id: providerId(data.id),
    name: data.provider_name,
    mailbox: data.mailbox,
    endpoint: {
      host: data.host,
      port: data.port,
      security: transportSecurity(data.secure, data.allow_starttls),
      verifyCertificate: data.verify_certificate,
    },
    auth: toAuth(data),
    folders: data.folder_filters,
    startFrom: data.start_from,
    configVersion: data.config_version,
  };
}

function toAuth(row: z.infer<typeof rowSchema>): ImapAuth {
  if (row.auth_type === 'password') return { kind: 'password', username: row.username };
  return {
    kind: 'oauth2',
    username: row.username,
    // The table refuses an OAuth row without these two.
    clientId: row.oauth_client_id ?? '',
    authorizeUrl: row.oauth_authorize_url,
    tokenUrl: row.oauth_token_url ?? '',
    scopes: row.oauth_scopes ?? '',
  };
}

/** Columns of `imap_email_provider_config` that hold settings, from the domain's form. */
export function toConfigColumns(
  provider: Pick<ImapProvider, 'endpoint' | 'auth' | 'folders' | 'startFrom'>,
): Readonly<Record<string, string | number | boolean | null>> {
  const { endpoint, auth } = provider;
  return {
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.security === 'tls',
    allow_starttls: endpoint.security === 'starttls',
    verify_certificate: endpoint.verifyCertificate,
    auth_type: auth.kind,
    username: auth.username,
    folder_filters: JSON.stringify(provider.folders),
    start_from: JSON.stringify(provider.startFrom),
    oauth_authorize_url: auth.kind === 'oauth2' ? auth.authorizeUrl : null,
    oauth_token_url: auth.kind === 'oauth2' ? auth.tokenUrl : null,
    oauth_client_id: auth.kind === 'oauth2' ? auth.clientId : null,
    oauth_scopes: auth.kind === 'oauth2' ? auth.scopes : null,
  };
}
