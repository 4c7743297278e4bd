import type { Knex } from 'knex';
import type { Database } from '../db/database.ts';
import { BEGINNING_PACE_MS, gatherPerTenant } from '../db/gather.ts';
import type { ProviderId, TenantId } from '../domain/ids.ts';
import { isSealed, type SecretBox, unreadable } from './secret-box.ts';
import { keptText, parseKept, type SecretKeeper } from './secret-keeper.ts';
import { SECRET_NAMES, type SecretName, type SecretRef, storedName } from './secret-ref.ts';
import type { SecretSource } from './secret-sources.ts';
import type { SecretValue } from './secret-value.ts';
import { toFault } from '../errors/fault-error.ts';

export type { SecretName, SecretRef } from './secret-ref.ts';

/**
 * Passwords and tokens of providers.
 *
 * Writing: sealed, to table `provider_secrets`; or to the keeper, whose pointer is in the table then. Reading: what an operator provides (`SECRET_READ_CHAIN`) overrides the
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
  /** Resolves when what ended transactions left in the keeper is removed. Never rejects. */
  idle(): Promise<void>;
}

interface SecretRow {
  /** Null where there is none. */
  readonly sealed: string | null;
}

const SELECT_SECRET =
  'SELECT sealed FROM provider_secrets WHERE tenant = :tenant AND email_provider_id = :email_provider_id AND name = :name';

const SELECT_SECRETS = `
SELECT s.sealed
  FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) WITH ORDINALITY AS asked (id, name, place)
  LEFT JOIN provider_secrets s ON s.tenant = :tenant AND s.email_provider_id = asked.id AND s.name = asked.name
 ORDER BY asked.place`;
/** Of mailboxes that log in at the same moment. */
const GATHERED = { maxItems: 100, everyMs: BEGINNING_PACE_MS };

export function createSecretStore(options: {
  readonly database: Pick<Database, 'statement'>;
  readonly box: SecretBox;
  /** In order of precedence. */
  readonly sources: readonly SecretSource[];
  /** Where secrets are kept that are written from now on; null seals them into the table. */
  readonly keeper?: SecretKeeper | null;
}): SecretStore {
  const { database, box, sources, keeper = null } = options;
  const settling = new Set<Promise<void>>();
  const rowOf = gatherPerTenant<SecretRef, SecretRow>(
    (tenant, refs) =>
      database.statement<SecretRow>(tenant, SELECT_SECRETS, {
        tenant,
        ids: refs.map(({ providerId }) => providerId),
        names: refs.map(storedName),
      }),
    GATHERED,
  );

  async function readText(ref: SecretRef, trx?: Knex.Transaction): Promise<string | null> {
    if (trx === undefined) return (await rowOf(ref)).sealed;
    const { rows } = await trx.raw<{ rows: readonly SecretRow[] }>(SELECT_SECRET, rowKey(ref));
    return rows[0]?.sealed ?? null;
  }

  async function readRow(ref: SecretRef, trx?: Knex.Transaction): Promise<SecretValue | null> {
    const text = await readText(ref, trx);
    const kept = text === null ? null : parseKept(text);
    if (text === null || kept === null) return text === null ? null : box.open(ref, text);
    if (keeper?.name !== kept.keeper)
      throw unreadable(ref, `it is kept in "${kept.keeper}", which this process was not given`);
    return await keeper.get(ref, kept.pointer);
  }

  /** What the row gets, and what is in the keeper by now. */
  async function textFor(ref: SecretRef, value: SecretValue): Promise<string> {
    if (keeper?.keeps(ref.name) !== true) return box.seal(ref, value);
    try {
      return keptText({ keeper: keeper.name, pointer: await keeper.put(ref, value) });
    } catch (error) {
      // The token service has just made the old one worthless; this one would be lost, and the permission with it.
      if (ref.name === 'imap_refresh_token' && toFault(error).kind === 'transient')
        return box.seal(ref, value);
      throw error;
    }
  }

  /** Once the transaction has ended, however it ended, versions that the row does not point to are nobody's. */
  function settleAfter(trx: Knex.Transaction, ref: SecretRef, texts: readonly (string | null)[]): void {
    const kept = texts
      .flatMap((text) => (text === null ? [] : [text]))
      .filter((text) => parseKept(text) !== null);
    if (keeper === null || kept.length === 0) return;
    const work = trx.executionPromise
      .catch(() => undefined)
      .then(() => settle(keeper, ref, kept))
      // Left where it is: nobody reads it.
      .catch(() => undefined)
      .finally(() => settling.delete(work));
    settling.add(work);
  }

  async function settle(place: SecretKeeper, ref: SecretRef, texts: readonly string[]): Promise<void> {
    const current = await readText(ref);
    for (const text of texts) {
      const kept = parseKept(text);
      if (text !== current && kept?.keeper === place.name) await place.destroy(ref, kept.pointer);
    }
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
      const before = keeper === null ? null : await readText(ref, trx);
      const sealed = await textFor(ref, value);
      settleAfter(trx, ref, [before, sealed]);
      await trx('provider_secrets')
        .insert({ ...rowKey(ref), sealed, updated_at: trx.raw('clock_timestamp()') })
        .onConflict(['tenant', 'email_provider_id', 'name'])
        .merge(['sealed', 'updated_at']);
    },
    async remove(trx, provider, names = SECRET_NAMES) {
      if (keeper !== null)
        for (const name of names) {
          const ref = { ...provider, name };
          settleAfter(trx, ref, [await readText(ref, trx)]);
        }
      await trx('provider_secrets')
        .where({ tenant: provider.tenant, email_provider_id: provider.providerId })
        .whereIn(
          'name',
          names.map((name) => storedName({ ...provider, name })),
        )
        .delete();
    },
    async idle() {
      while (settling.size > 0) await Promise.all(settling);
    },
  };
}

function rowKey(ref: SecretRef): { tenant: string; email_provider_id: string; name: string } {
  return { tenant: ref.tenant, email_provider_id: ref.providerId, name: storedName(ref) };
}
