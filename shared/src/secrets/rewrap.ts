/**
 * Moves every stored secret to the newest master key, so that an old one can be taken out of `SECRETS_MASTER_KEY`.
 *
 * Resumable: what is left to do is what the rows say. Safe beside running services and beside a second rewrap: a row is
 * locked while it is rewritten, and rows that somebody else holds are taken in the next run. A row that does not open is
 * counted and left as it is.
 */
import type { Knex } from 'knex';
import type { Database } from '../db/database.ts';
import { providerId, type TenantId, tenantId } from '../domain/ids.ts';
import type { SecretBox } from './secret-box.ts';
import { SECRET_NAMES, type SecretRef, storedName } from './secret-ref.ts';

const BATCH_ROWS = 100;

export interface RewrapReport {
  readonly rewrapped: number;
  /** Rows that no key opens: restore the key, or enter these secrets again. */
  readonly unreadable: number;
}

interface Row {
  readonly email_provider_id: string;
  readonly name: string;
  readonly sealed: string;
}

/** `last` is null when nothing was left. */
type Batch = RewrapReport & { readonly last: Position | null };

type Position = Pick<Row, 'email_provider_id' | 'name'>;

export async function rewrapSecrets(
  database: Pick<Database, 'withTenant' | 'asDaemon'>,
  box: SecretBox,
): Promise<RewrapReport> {
  const total = { rewrapped: 0, unreadable: 0 };
  for (const tenant of await tenantsWithProviders(database)) {
    let after: Position | null = null;
    do {
      const from: Position | null = after;
      const batch: Batch = await database.withTenant(tenant, (trx) =>
        rewrapBatch({ trx, tenant, box, after: from }),
      );
      total.rewrapped += batch.rewrapped;
      total.unreadable += batch.unreadable;
      after = batch.last;
    } while (after !== null);
  }
  return total;
}

/** Rows that are not sealed with `box.currentKeyId`; an old key may go when this is 0. */
export async function countToRewrap(
  database: Pick<Database, 'withTenant' | 'asDaemon'>,
  box: SecretBox,
): Promise<number> {
  let count = 0;
  for (const tenant of await tenantsWithProviders(database)) {
    count += await database.withTenant(tenant, async (trx) => {
      const row: unknown = await outdated(trx, tenant, box).count('* as count').first();
      return Number((row as { readonly count: string | number }).count);
    });
  }
  return count;
}

async function tenantsWithProviders(database: Pick<Database, 'asDaemon'>): Promise<readonly TenantId[]> {
  const rows: unknown = await database.asDaemon((trx) => trx('email_providers').distinct('tenant'));
  return (rows as readonly { readonly tenant: string }[]).map((row) => tenantId(row.tenant));
}

function outdated(trx: Knex.Transaction, tenant: TenantId, box: SecretBox): Knex.QueryBuilder {
  return (
    trx('provider_secrets')
      .where({ tenant })
      // Pointers to secrets that are kept elsewhere are not sealed with any key.
      .whereRaw(`sealed NOT LIKE 'kept.%' AND split_part(sealed, '.', 2) <> ?`, [box.currentKeyId])
  );
}

async function rewrapBatch(work: {
  readonly trx: Knex.Transaction;
  readonly tenant: TenantId;
  readonly box: SecretBox;
  readonly after: Position | null;
}): Promise<Batch> {
  const { trx, tenant, box, after } = work;
  const query = outdated(trx, tenant, box)
    .orderBy(['email_provider_id', 'name'])
    .limit(BATCH_ROWS)
    .forUpdate()
    .skipLocked();
  if (after !== null)
    void query.whereRaw('(email_provider_id, name) > (?, ?)', [after.email_provider_id, after.name]);
  const rows = (await query.select('email_provider_id', 'name', 'sealed')) as readonly Row[];
  let rewrapped = 0;
  for (const row of rows) {
    const sealed = reseal(box, tenant, row);
    if (sealed === null) continue;
    await trx('provider_secrets')
      .where({ tenant, email_provider_id: row.email_provider_id, name: row.name })
      .update({ sealed });
    rewrapped += 1;
  }
  return { rewrapped, unreadable: rows.length - rewrapped, last: rows.at(-1) ?? null };
}

function reseal(box: SecretBox, tenant: TenantId, row: Row): string | null {
  const provider = providerId(row.email_provider_id);
  const name = SECRET_NAMES.find((known) => storedName({ providerId: provider, name: known }) === row.name);
  if (name === undefined) return null;
  const ref: SecretRef = { tenant, providerId: provider, name };
  try {
    return box.seal(ref, box.open(ref, row.sealed));
  } catch {
    return null;
  }
}
