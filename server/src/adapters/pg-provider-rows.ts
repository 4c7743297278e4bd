/** Reading mailboxes and the names of their secrets; shared by the stores that show them. */
import type { Knex } from 'knex';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { SECRET_NAMES, storedName } from '@mailstream/shared/secrets/secret-ref';
import type { SecretSource } from '@mailstream/shared/secrets/secret-sources';
import { providerId } from '@mailstream/shared/domain/ids';
import type { StoredSecret } from '../ports.ts';
import { PROVIDER_COLUMNS, type ProviderRow } from './provider-view.ts';

/** A query for whole mailboxes of one tenant; add conditions on `p` and `c`. */
export function providerQuery(
  trx: Knex.Transaction,
  tenant: TenantId,
): Knex.QueryBuilder<object, ProviderRow[]> {
  return trx('email_providers as p')
    .join('imap_email_provider_config as c', (on) => {
      on.on('c.tenant', 'p.tenant').andOn('c.email_provider_id', 'p.id');
    })
    .where('p.tenant', tenant)
    .select(trx.raw(PROVIDER_COLUMNS)) as unknown as Knex.QueryBuilder<object, ProviderRow[]>;
}

export async function providerRow(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: ProviderId,
): Promise<ProviderRow | null> {
  return (await providerQuery(trx, tenant).where('p.id', id))[0] ?? null;
}

/** Which secrets each provider has: in the database, or where an operator keeps them. Nothing is decrypted. */
export async function secretsByProvider(
  trx: Knex.Transaction,
  tenant: TenantId,
  ids: readonly string[],
  sources: readonly SecretSource[],
): Promise<ReadonlyMap<string, ReadonlySet<StoredSecret>>> {
  const rows = await trx<{ tenant: string; email_provider_id: string; name: string }>('provider_secrets')
    .where({ tenant })
    .whereIn('email_provider_id', ids)
    .select('email_provider_id', 'name');
  const stored = new Set(rows.map((row) => row.name));
  const entries = ids.map(async (id) => {
    const own = providerId(id);
    const found = new Set<StoredSecret>(
      SECRET_NAMES.filter((name) => stored.has(storedName({ providerId: own, name }))),
    );
    for (const name of SECRET_NAMES)
      // An access token is never an operator's (see the secret store).
      if (
        name !== 'imap_access_token' &&
        !found.has(name) &&
        (await isOutside(sources, { tenant, providerId: own, name }))
      )
        found.add(name);
    return [id, found] as const;
  });
  return new Map(await Promise.all(entries));
}

async function isOutside(
  sources: readonly SecretSource[],
  ref: Parameters<SecretSource['read']>[0],
): Promise<boolean> {
  for (const source of sources) {
    // One that is there and cannot be read is there; the daemon says what is wrong with it. A source that is down says nothing.
    const isThere = await source.read(ref).then(
      (value) => value !== null,
      (error: unknown) => toFault(error).kind !== 'transient',
    );
    if (isThere) return true;
  }
  return false;
}
