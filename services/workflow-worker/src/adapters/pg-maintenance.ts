/**
 * What the jobs do, tenant by tenant.
 *
 * Retention removes only what nothing can ask for any more. Rows of the ledger of a folder as it is now stay, however old: an audit
 * compares the mailbox with them, and a message that is still there without its row would be fetched again. Gate rows stay for the same
 * reason: they are what makes a second delivery do nothing, and they hold no content.
 */
import { notifyProviders } from '@mailstream/shared/db/notices';
import { providerId, tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import type { Database } from '@mailstream/shared/db/database';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { errorEntry, isErrorCode } from '@mailstream/shared/errors/catalogue';
import type { TokenService } from '@mailstream/shared/oauth/token-service';
import type { Job, JobResult } from '../jobs/ports.ts';

/** Of one statement: a large table must not be locked for long. */
const BATCH = 5_000;

const RETENTION: readonly (readonly [name: string, sql: string])[] = [
  [
    'sessions',
    `DELETE FROM sessions WHERE (tenant, id) IN
       (SELECT tenant, id FROM sessions WHERE tenant = :tenant AND expires_at < now() - interval '1 day' LIMIT :batch)`,
  ],
  [
    'replyTokens',
    `DELETE FROM email_reply_tokens WHERE (tenant, token_hash) IN
       (SELECT tenant, token_hash FROM email_reply_tokens
         WHERE tenant = :tenant AND expires_at < now() - interval '30 days' LIMIT :batch)`,
  ],
  [
    // Logins with OAuth that nobody finished, and what they were given.
    'oauthLogins',
    `DELETE FROM oauth_authorizations WHERE (tenant, id) IN
       (SELECT tenant, id FROM oauth_authorizations WHERE tenant = :tenant AND expires_at < now() LIMIT :batch)`,
  ],
  [
    'apiCallDays',
    `DELETE FROM tenant_api_calls WHERE (tenant, day) IN
       (SELECT tenant, day FROM tenant_api_calls
         WHERE tenant = :tenant AND day < CAST(now() - make_interval(days => :days) AS date) LIMIT :batch)`,
  ],
  [
    // The comment has the text; what was sent, to whom and when stays.
    'mailTexts',
    `UPDATE outbound_messages SET body_text = '', body_html = NULL, updated_at = now() WHERE (tenant, id) IN
       (SELECT tenant, id FROM outbound_messages
         WHERE tenant = :tenant AND state IN ('sent', 'bounced', 'suppressed') AND body_text <> ''
           AND created_at < now() - make_interval(days => :days) LIMIT :batch)`,
  ],
  [
    // Of a numbering that the mail server gave up: no UID of it comes back.
    'ledgerRows',
    `DELETE FROM inbound_messages WHERE (tenant, event_id) IN
       (SELECT m.tenant, m.event_id FROM inbound_messages m
          JOIN imap_email_provider_config c ON c.tenant = m.tenant AND c.email_provider_id = m.provider_id
         WHERE m.tenant = :tenant AND m.status IN ('processed', 'skipped') AND m.processed_at < now() - make_interval(days => :days)
           AND c.folder_state -> m.folder ->> 'uid_validity' IS NOT NULL
           AND c.folder_state -> m.folder ->> 'uid_validity' <> m.uid_validity::text LIMIT :batch)`,
  ],
];

export function createMaintenance(options: { readonly database: Database; readonly retentionDays: number }): {
  readonly retention: Job;
  readonly audit: Job;
} {
  const { database, retentionDays } = options;
  return {
    retention: async (signal) => {
      const counts: Record<string, number> = {};
      for (const tenant of await tenantsOf(database)) {
        for (const [name, sql] of RETENTION) {
          for (let changed = BATCH; changed === BATCH && !signal.aborted;) {
            changed = await database.withTenant(tenant, async (trx) => {
              const { rowCount } = await trx.raw<{ rowCount: number }>(sql, {
                tenant,
                batch: BATCH,
                ...(sql.includes(':days') ? { days: retentionDays } : {}),
              });
              return rowCount;
            });
            counts[name] = (counts[name] ?? 0) + changed;
          }
        }
        signal.throwIfAborted();
      }
      counts['jobRuns'] = await database.asDaemon(async (trx) =>
        trx('job_runs')
          .whereIn('state', ['done', 'failed', 'skipped'])
          .where('created_at', '<', trx.raw(`now() - make_interval(days => ?)`, [retentionDays]))
          .delete(),
      );
      return counts;
    },
    audit: async (signal) => {
      let mailboxes = 0;
      for (const tenant of await tenantsOf(database)) {
        signal.throwIfAborted();
        mailboxes += await database.withTenant(tenant, async (trx) => {
          const { rows } = await trx.raw<{ rows: { id: string }[] }>(
            `UPDATE imap_email_provider_config c
                SET audit_version = c.audit_version + 1, audit_requested_at = now(), audit_requested_by_type = NULL,
                    audit_requested_by_id = NULL
               FROM email_providers p
              WHERE c.tenant = :tenant AND p.tenant = c.tenant AND p.id = c.email_provider_id AND p.is_active AND p.paused_at IS NULL
             RETURNING p.id`,
            { tenant },
          );
          await notifyProviders(
            trx,
            rows.map(({ id }) => ({ tenant, id: providerId(id) })),
          );
          return rows.length;
        });
      }
      return { mailboxes };
    },
  };
}

/** Asking for a token renews one that ends soon; whose permission has ended is marked, before the daemon meets it at a connect. */
export function createTokenCheck(database: Database, tokens: Pick<TokenService, 'accessToken'>): Job {
  return async (signal) => {
    const counts: Record<'checked' | 'marked' | 'unavailable', number> = {
      checked: 0,
      marked: 0,
      unavailable: 0,
    };
    for (const tenant of await tenantsOf(database)) {
      const ids = await database.withTenant(tenant, async (trx) =>
        trx('email_providers as p')
          .join('imap_email_provider_config as c', (on) => {
            on.on('c.tenant', 'p.tenant').andOn('c.email_provider_id', 'p.id');
          })
          .where({ 'p.tenant': tenant, 'p.is_active': true, 'c.auth_type': 'oauth2' })
          .whereNull('p.paused_at')
          .pluck('p.id'),
      );
      for (const id of ids as readonly string[]) {
        signal.throwIfAborted();
        try {
          await tokens.accessToken({ tenant, id: providerId(id) });
          counts.checked += 1;
        } catch (error) {
          if (!(error instanceof FaultError)) throw error;
          const { kind, code } = error.fault;
          if (kind === 'auth' || kind === 'misconfigured') {
            await mark(database, tenant, id, code);
            counts.marked += 1;
          } else counts.unavailable += 1;
        }
      }
    }
    return counts satisfies JobResult;
  };
}

async function mark(database: Database, tenant: TenantId, id: string, code: string): Promise<void> {
  const message = isErrorCode(code) ? errorEntry(code).message : code;
  await database.withTenant(tenant, async (trx) => {
    // In the order in which everybody locks these two.
    await trx('imap_email_provider_config')
      .where({ tenant, email_provider_id: id })
      .forNoKeyUpdate()
      .first('tenant');
    const marked = await trx('email_providers').where({ tenant, id }).whereNot({ status: 'error' }).update({
      status: 'error',
      error_code: code,
      error_message: message,
      error_at: trx.fn.now(),
      updated_at: trx.fn.now(),
    });
    if (marked === 0) return;
    // A connection that still lives would hide it: the daemon logs in anew, and stops by what it sees.
    await trx('imap_email_provider_config')
      .where({ tenant, email_provider_id: id })
      .update({ config_version: trx.raw('config_version + 1') });
    await notifyProviders(trx, [{ tenant, id: providerId(id) }]);
  });
}

async function tenantsOf(database: Database): Promise<readonly TenantId[]> {
  const tenants = await database.asDaemon(async (trx) => trx('email_providers').distinct().pluck('tenant'));
  return (tenants as readonly string[]).map((tenant) => tenantId(tenant));
}
