import type { Knex } from 'knex';
import type { Database } from '../db/database.ts';
import type { ProviderId, TenantId } from '../domain/ids.ts';
import { isSealed, type SecretBox } from './secret-box.ts';
import { SECRET_NAMES, type SecretName, type SecretRef, storedName } from './secret-ref.ts';
import type { SecretSource } from './secret-sources.ts';
import type { SecretValue } from './secret-value.ts';

export type { SecretName, SecretRef } from './secret-ref.ts';

/**
 * Passwords and tokens of providers.
 *
 * Writing: sealed, to table `provider_secrets`. Reading: what an operator provides (`SECRET_READ_CHAIN`) overrides the
 * database, except for the two tokens that change by themselves: of a refresh token the operator gives the first one, the
 * rotated ones in the database are newer; an access token is in the database only.
 */
export interface SecretStore {
  /**
   * Null where there is none. Rejects with FaultError `SECRET_UNREADABLE` where there is one that cannot be opened.
   * @param trx a transaction of `ref.tenant` to read in; without one the store opens its own, so inside a transaction
   *   always pass it: taking a second connection while holding one can starve the pool.
   */
  read(ref: SecretRef, trx?: Knex.Transaction): Promise<SecretValue | null>;
  /** Seals and stores, replacing what was there. Part of `trx`: durable when that commits. */
  write(trx: Knex.Transaction, ref: SecretRef, value: SecretValue): Promise<void>;
  /** Removes the named secrets of one provider from the database, all of them by default. Part of `trx`. */
  remove(
    trx: Knex.Transaction,
    provider: { readonly tenant: TenantId; readonly providerId: ProviderId },
    names?: readonly SecretName[],
  ): Promise<void>;
}

export function createSecretStore(options: {
  readonly database: Pick<Database, 'withTenant'>;
  readonly box: SecretBox;
  /** In order of precedence. */
  readonly sources: readonly SecretSource[];
}): SecretStore {
  const { database, box, sources } = options;

  async function readRow(ref: SecretRef, trx?: Knex.Transaction): Promise<SecretValue | null> {
    if (trx === undefined) return await database.withTenant(ref.tenant, (own) => readRow(ref, own));
    const row: unknown = await trx('provider_secrets').where(rowKey(ref)).first('sealed');
    return row === undefined ? null : box.open(ref, (row as { readonly sealed: string }).sealed);
  }

  async function readSources(ref: SecretRef): Promise<SecretValue | null> {
    for (const source of sources) {
      const value = await source.read(ref);
      if (value !== null) return isSealed(value.reveal()) ? box.open(ref, value.reveal()) : value;
    }
    return null;
  }

  return {
    async read(ref, trx) {
      if (ref.name === 'imap_access_token') return await readRow(ref, trx);
      if (ref.name === 'imap_refresh_token') return (await readRow(ref, trx)) ?? (await readSources(ref));
      return (await readSources(ref)) ?? (await readRow(ref, trx));
    },
    async write(trx, ref, value) {
      await trx('provider_secrets')
        .insert({ ...rowKey(ref), sealed: box.seal(ref, value), updated_at: trx.raw('clock_timestamp()') })
        .onConflict(['tenant', 'email_provider_id', 'name'])
        .merge(['sealed', 'updated_at']);
    },
    async remove(trx, provider, names = SECRET_NAMES) {
      await trx('provider_secrets')
        .where({ tenant: provider.tenant, email_provider_id: provider.providerId })
        .whereIn(
          'name',
          names.map((name) => storedName({ ...provider, name })),
        )
        .delete();
    },
  };
}

function rowKey(ref: SecretRef): { tenant: string; email_provider_id: string; name: string } {
  return { tenant: ref.tenant, email_provider_id: ref.providerId, name: storedName(ref) };
}
