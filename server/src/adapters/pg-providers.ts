/**
 * Mailboxes in PostgreSQL. A change is one transaction over both settings tables, the secrets, the audit log and the notice to the
 * daemon. Rows are locked in the daemon's order (config, then provider) and in a mode that lets its ledger rows refer to them.
 */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import { notifyProvider } from '@mailstream/shared/db/notices';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import { lockTokens, storeTokens } from '@mailstream/shared/oauth/token-store';
import type { SecretSource } from '@mailstream/shared/secrets/secret-sources';
import type { SecretStore } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { ProviderListQuery } from '../contracts/providers.ts';
import { ApiError } from '../api-error.ts';
import type { Actor, ChangeResult, ProviderChange, ProviderStore } from '../ports.ts';
import { useUpGrant } from './pg-oauth-authorizations.ts';
import { audit, auditedSettings } from './pg-audit.ts';
import { foldersOf, refuseOverQuota } from './pg-quotas.ts';
import { contains, decodeCursor, toPage } from './page-cursor.ts';
import { providerQuery, providerRow, secretsByProvider } from './pg-provider-rows.ts';
import { accountColumn, configColumns, providerColumns, versionColumns } from './provider-columns.ts';
import { readActivity } from './pg-activity.ts';
import { readProviderHistory } from './pg-history.ts';
import { requestAudit } from './pg-audit-request.ts';
import { requestResync } from './pg-resync-request.ts';
import { type ProviderRow, toProvider, toRecord } from './provider-view.ts';

/** A deadlock or a serialization failure is nobody's mistake: the whole transaction is done again. */
const RETRIED_STATES = new Set(['40P01', '40001']);
const MAX_ATTEMPTS = 3;

export function createProviderStore(options: {
  readonly database: Database;
  readonly secrets: SecretStore;
  /** Where an operator keeps secrets outside the database. */
  readonly sources: readonly SecretSource[];
}): ProviderStore {
  const { database, secrets, sources } = options;

  async function show(
    trx: Knex.Transaction,
    tenant: TenantId,
    rows: readonly ProviderRow[],
  ): ReturnType<typeof shown> {
    const names = await secretsByProvider(
      trx,
      tenant,
      rows.map((row) => row.id),
      sources,
    );
    return shown(rows, names);
  }

  async function changed(trx: Knex.Transaction, actor: Actor, id: ProviderId): Promise<ChangeResult> {
    const row = await providerRow(trx, actor.tenant, id);
    if (row === null) return { kind: 'notFound' };
    const [provider] = await show(trx, actor.tenant, [row]);
    return provider === undefined ? { kind: 'notFound' } : { kind: 'changed', provider };
  }

  /** After the settings: their columns do not know of the new token. */
  async function adopt(
    trx: Knex.Transaction,
    actor: Actor,
    id: ProviderId,
    { grant: adopted }: ProviderChange,
  ): Promise<void> {
    if (adopted === null) return;
    const { grant, authorizationId } = adopted;
    if (authorizationId !== null && !(await useUpGrant(trx, actor.tenant, authorizationId)))
      throw new ApiError('OAUTH_STATE_INVALID');
    const ageMs = Math.max(0, Date.now() - grant.grantedAt.getTime());
    await storeTokens(trx, secrets, { key: { tenant: actor.tenant, id }, tokens: grant.tokens, ageMs });
  }

  async function writeSecrets(
    trx: Knex.Transaction,
    actor: Actor,
    id: ProviderId,
    change: ProviderChange,
  ): Promise<void> {
    const provider = { tenant: actor.tenant, providerId: id };
    if (change.secretsToRemove.length > 0) await secrets.remove(trx, provider, change.secretsToRemove);
    for (const [name, value] of Object.entries(change.secretsToWrite))
      await secrets.write(
        trx,
        { ...provider, name: name as keyof typeof change.secretsToWrite },
        new SecretValue(value),
      );
  }

  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) => {
        const rows = await filtered(trx, tenant, query);
        const items = await show(trx, tenant, rows);
        return toPage(
          items,
          query.limit,
          (item) => item,
          (item) => [item.providerName.toLowerCase(), item.id],
        );
      }),

    get: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = await providerRow(trx, tenant, id);
        return row === null ? null : ((await show(trx, tenant, [row]))[0] ?? null);
      }),

    record: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = await providerRow(trx, tenant, id);
        if (row === null) return null;
        const names = await secretsByProvider(trx, tenant, [id], sources);
        return toRecord(row, names.get(id) ?? new Set());
      }),

    create: (actor, id, change) =>
      refusingDoubles(
        database.withTenant(actor.tenant, async (trx) => {
          const key = { tenant: actor.tenant, id };
          await refuseOverQuota(trx, actor.tenant, { mailboxes: 1, folders: foldersOf(change.settings) });
          await trx('email_providers').insert({
            ...key,
            ...providerColumns(trx, change),
            provider_type: 'imap',
          });
          await trx('imap_email_provider_config').insert({
            tenant: actor.tenant,
            email_provider_id: id,
            ...configColumns(change),
            ...accountColumn(change),
          });
          await writeSecrets(trx, actor, id, change);
          await adopt(trx, actor, id, change);
          await audit(trx, actor, change.action, id, null, auditedSettings(change));
          await notifyProvider(trx, actor.tenant, id);
          return changed(trx, actor, id);
        }),
      ),

    change: (actor, id, decide, { replacesSecrets = false } = {}) =>
      refusingDoubles(
        repeated(() =>
          database.withTenant(actor.tenant, async (trx) => {
            const { tenant } = actor;
            // Before the rows, as a refresh takes them: one in flight would write its tokens over the new ones.
            if (replacesSecrets) await lockTokens(trx, { tenant, id });
            await trx('imap_email_provider_config')
              .where({ tenant, email_provider_id: id })
              .forNoKeyUpdate()
              .first('tenant');
            await trx('email_providers').where({ tenant, id }).forNoKeyUpdate().first('id');
            const row = await providerRow(trx, tenant, id);
            if (row === null) return { kind: 'notFound' };
            const names = await secretsByProvider(trx, tenant, [id], sources);
            const before = toRecord(row, names.get(id) ?? new Set());
            const change = decide(before);
            if (change === null) return changed(trx, actor, id);
            const more = foldersOf(change.settings) - foldersOf(before.settings);
            await refuseOverQuota(trx, tenant, { mailboxes: 0, folders: more });
            await trx('email_providers')
              .where({ tenant, id })
              .update({ ...providerColumns(trx, change), updated_at: trx.fn.now() });
            await trx('imap_email_provider_config')
              .where({ tenant, email_provider_id: id })
              .update({ ...configColumns(change), ...versionColumns(trx, change), updated_at: trx.fn.now() });
            await writeSecrets(trx, actor, id, change);
            await adopt(trx, actor, id, change);
            await audit(trx, actor, change.action, id, auditedSettings(before), auditedSettings(change));
            await notifyProvider(trx, tenant, id);
            return changed(trx, actor, id);
          }),
        ),
      ),

    delete: (actor, id) =>
      repeated(() =>
        database.withTenant(actor.tenant, async (trx) => {
          const { tenant } = actor;
          await trx('imap_email_provider_config')
            .where({ tenant, email_provider_id: id })
            .forUpdate()
            .first('tenant');
          const row = await providerRow(trx, tenant, id);
          if (row === null) return 'notFound';
          await secrets.remove(trx, { tenant, providerId: id });
          await trx('email_providers').where({ tenant, id }).delete();
          await audit(trx, actor, 'provider.deleted', id, auditedSettings(toRecord(row, new Set())), null);
          await notifyProvider(trx, tenant, id);
          return 'deleted';
        }),
      ),

    activity: (tenant, id) => database.withTenant(tenant, (trx) => readActivity(trx, tenant, id)),
    history: (tenant, id, hours) =>
      database.withTenant(tenant, async (trx) =>
        (await trx('email_providers').where({ tenant, id }).first('id')) === undefined
          ? null
          : readProviderHistory(trx, { tenant, id }, hours),
      ),

    requestAudit: (actor, id) => database.withTenant(actor.tenant, (trx) => requestAudit(trx, actor, id)),

    requestResync: (actor, id, body) =>
      database.withTenant(actor.tenant, (trx) => requestResync(trx, actor, id, body)),

    readSecret: async (tenant, id, name) =>
      (await secrets.read({ tenant, providerId: id, name }))?.reveal() ?? null,
  };
}

function shown(rows: readonly ProviderRow[], names: Awaited<ReturnType<typeof secretsByProvider>>) {
  return Promise.resolve(rows.map((row) => toProvider(row, names.get(row.id) ?? new Set())));
}

async function filtered(
  trx: Knex.Transaction,
  tenant: TenantId,
  query: ProviderListQuery,
): Promise<ProviderRow[]> {
  const rows = providerQuery(trx, tenant);
  if (query.search !== undefined) {
    const pattern = contains(query.search);
    void rows.whereRaw(
      '(p.provider_name ILIKE ? OR p.mailbox ILIKE ? OR c.host ILIKE ? OR c.username ILIKE ?)',
      [pattern, pattern, pattern, pattern],
    );
  }
  if (query.status === 'inactive') void rows.where('p.is_active', false);
  else if (query.status === 'paused') void rows.where('p.is_active', true).whereNotNull('p.paused_at');
  else if (query.status !== undefined)
    void rows.where('p.is_active', true).whereNull('p.paused_at').where('p.status', query.status);
  if (query.cursor !== undefined) {
    const [name, id] = decodeCursor(query.cursor, 'text');
    void rows.whereRaw('(lower(p.provider_name), p.id) > (?, ?)', [name, id]);
  }
  return rows.orderByRaw('lower(p.provider_name), p.id').limit(query.limit + 1);
}

async function repeated<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !RETRIED_STATES.has(sqlState(error) ?? '')) throw error;
    }
  }
}

async function refusingDoubles(work: Promise<ChangeResult>): Promise<ChangeResult> {
  try {
    return await work;
  } catch (error) {
    const isDouble =
      sqlState(error) === '23505' &&
      (error as { constraint?: unknown }).constraint === 'email_providers_mailbox';
    if (isDouble) return { kind: 'mailboxExists' };
    throw error;
  }
}
