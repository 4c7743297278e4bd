/**
 * Leases in PostgreSQL: acquire, renew, release, each naming (provider, owner, epoch), by the database's clock. An old renewal
 * cannot extend a newer term, an old release cannot delete it.
 *
 * What comes in bursts (bids, releases, notices) is gathered, so that a burst costs a few statements. Statements over many rows
 * never wait for a row that another transaction holds (`SKIP LOCKED`): a transaction that hangs on one provider, its owner cut
 * off in the middle, holds up that provider alone, and two instances that bid for the same providers cannot deadlock.
 */
import { notifyProviders } from '@mailstream/shared/db/notices';
import type { Database } from '@mailstream/shared/db/database';
import { gather } from '@mailstream/shared/db/gather';
import { perTenant } from '@mailstream/shared/db/per-tenant';
import {
  instanceId,
  providerId,
  tenantId,
  type InstanceId,
  type TenantId,
} from '@mailstream/shared/domain/ids';
import type { DiscoveredProvider, LeaseStore, ProviderRef, Term } from '../ports/leases.ts';

interface RefRow {
  readonly tenant: string;
  readonly id: string;
}

interface DiscoveryRow extends RefRow {
  readonly config_version: number;
  readonly poke_version: number;
  readonly audit_version: number;
  readonly weight: number;
  readonly lease_owner: string | null;
  readonly lease_expired: boolean;
}

type RefPair = readonly [tenant: string, id: string];

interface ViewRow {
  readonly others: number;
  readonly fingerprint: string;
  readonly free: readonly RefPair[];
}

interface RenewalRow {
  /** Both null when all are renewed. */
  readonly renewed: readonly RefPair[] | null;
  readonly ours: readonly RefPair[] | null;
}

export interface PgLeaseStoreOptions {
  /** Its own pool, so that bids never wait behind ingest. */
  readonly database: Database;
  /** A pool for renewals alone: whatever else an instance asks of PostgreSQL, its leases live on. */
  readonly renewals: Database;
  /** Name in `service_instances` of those who share the providers. */
  readonly service: string;
}

/** Rows of one gathered statement: a few milliseconds of work. */
const GATHERED = { maxItems: 500 };

const WATCHED = `
  FROM email_providers p
  JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
 WHERE p.provider_type = 'imap' AND p.is_active AND p.paused_at IS NULL`;
/** A resync is asked for and answered as an audit is: one number says that there is something to look up. */
const REQUESTS = 'c.audit_version + c.resync_version AS audit_version';
const REFS = 'unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS asked (tenant, id)';
const TERMS =
  'unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:epochs AS bigint[])) AS held (tenant, id, epoch)';
/** Names the tenant where each has a statement of its own: then all of it runs where its rows are. */
const only = (tenant: TenantId | null, table = 'c'): string =>
  tenant === null ? '' : `AND ${table}.tenant = :tenant`;
const EXPIRES = 'now() + make_interval(secs => :ttlMs / 1000.0)';

export function createPgLeaseStore({ database, renewals, service }: PgLeaseStoreOptions): LeaseStore {
  const discover = async (refs: readonly ProviderRef[] | null): Promise<readonly DiscoveredProvider[]> => {
    const rows = await database.asDaemon(async (trx) => {
      const found = await trx.raw<{ rows: DiscoveryRow[] }>(
        `SELECT p.tenant, p.id, c.config_version, c.poke_version, ${REQUESTS}, c.lease_owner,
                greatest(jsonb_array_length(c.folder_filters), 1) AS weight,
                coalesce(c.lease_expires_at <= now(), true) AS lease_expired
         ${WATCHED} ${refs === null ? '' : `AND (p.tenant, p.id) IN (SELECT tenant, id FROM ${REFS})`}`,
        refs === null ? {} : columns(refs),
      );
      return found.rows;
    });
    return rows.map(toDiscovered);
  };

  const discoverOne = gather<ProviderRef, readonly DiscoveredProvider[]>(async (refs) => {
    const found = byKey(await discover(refs));
    return refs.map((ref) => found.get(keyOf(ref)) ?? []);
  }, GATHERED);

  const acquire = gather<{ ref: ProviderRef; owner: InstanceId; ttlMs: number }, Term | null>(
    async (bids) => {
      const [first] = bids;
      if (first === undefined) return [];
      const { owner, ttlMs } = first;
      const refs = bids.map((bid) => bid.ref);
      const rows = await database.asDaemon((trx) =>
        perTenant(database.isCitus, refs, async (asked, tenant) => {
          const won = await trx.raw<{ rows: (RefRow & { lease_epoch: number })[] }>(
            `WITH free AS (
               SELECT c.tenant, c.email_provider_id
                 FROM imap_email_provider_config c
                 JOIN ${REFS} ON asked.tenant = c.tenant AND asked.id = c.email_provider_id
                WHERE (c.lease_owner IS NULL OR c.lease_owner = :owner OR c.lease_expires_at <= now()) ${only(tenant)}
                  FOR NO KEY UPDATE OF c SKIP LOCKED)
             UPDATE imap_email_provider_config c
                SET lease_owner = :owner, lease_epoch = c.lease_epoch + 1, lease_expires_at = ${EXPIRES}
               FROM free WHERE c.tenant = free.tenant AND c.email_provider_id = free.email_provider_id ${only(tenant)}
          RETURNING c.tenant, c.email_provider_id AS id, c.lease_epoch`,
            { owner, ttlMs, ...columns(asked), ...named(tenant) },
          );
          return won.rows;
        }),
      );
      const epochs = new Map(rows.map((row) => [keyOf(row), Number(row.lease_epoch)]));
      return bids.map(({ ref }) => {
        const epoch = epochs.get(keyOf(ref));
        return epoch === undefined ? null : { owner, epoch };
      });
    },
    GATHERED,
  );

  const release = gather<{ ref: ProviderRef; term: Term }, void>(async (given) => {
    await database.asDaemon(async (trx) => {
      // Waits for locks, in a fixed order: nobody works on these rows any more, and a lease that is not given back costs a ttl.
      const released = await perTenant(database.isCitus, given.map(held), async (asked, tenant) => {
        const freed = await trx.raw<{ rows: RefRow[] }>(
          `WITH ours AS (
           SELECT c.tenant, c.email_provider_id
             FROM imap_email_provider_config c
             JOIN ${TERMS} ON held.tenant = c.tenant AND held.id = c.email_provider_id
            WHERE c.lease_owner IS NOT DISTINCT FROM :owner AND c.lease_epoch = held.epoch ${only(tenant)}
            ORDER BY 1, 2 FOR NO KEY UPDATE OF c)
         UPDATE imap_email_provider_config c SET lease_owner = NULL, lease_expires_at = NULL
           FROM ours WHERE c.tenant = ours.tenant AND c.email_provider_id = ours.email_provider_id ${only(tenant)}
      RETURNING c.tenant, c.email_provider_id AS id`,
          {
            owner: given[0]?.term.owner ?? null,
            ...columns(asked),
            epochs: arrayText(asked.map(({ epoch }) => epoch)),
            ...named(tenant),
          },
        );
        return freed.rows;
      });
      await notifyProviders(trx, released.map(toRef));
    });
    return given.map(() => undefined);
  }, GATHERED);

  return {
    discover: (only) => (only === undefined ? discover(null) : discoverOne(only)),
    acquire: (ref, owner, ttlMs) => acquire({ ref, owner, ttlMs }),
    release: (ref, term) => release({ ref, term }),

    async look(owner, deadAfterMs) {
      const rows = await database.asDaemon(async (trx) => {
        const seen = await trx.raw<{ rows: ViewRow[] }>(
          // Each table in a query of its own, joined at the end: one of them is on the coordinator where there is Citus.
          `SELECT i.others, w.fingerprint, w.free
             FROM (SELECT count(*) AS others FROM service_instances
                    WHERE service = :service AND instance_id <> :owner AND state = 'running'
                      AND heartbeat_at >= now() - make_interval(secs => :deadAfterMs / 1000.0)) i
            CROSS JOIN (
                  SELECT coalesce(sum(hashint8extended(config_version, hashint8extended(poke_version, hashint8extended(audit_version, uuid_hash_extended(id, 0))))), 0)::text
                           AS fingerprint,
                         coalesce(json_agg(json_build_array(tenant, id)) FILTER (WHERE is_free), '[]') AS free
                    FROM (SELECT p.tenant, p.id, c.config_version, c.poke_version, ${REQUESTS},
                                 coalesce(c.lease_expires_at <= now(), true) OR c.lease_owner IS NULL AS is_free
                          ${WATCHED}) watched) w`,
          { owner, service, deadAfterMs },
        );
        return seen.rows;
      });
      const [row] = rows;
      return {
        free: (row?.free ?? []).map(pairToRef),
        instances: 1 + Number(row?.others ?? 0),
        fingerprint: row?.fingerprint ?? '',
      };
    },

    async renew(leases, owner, ttlMs) {
      const answers = await renewals.asDaemon((trx) =>
        perTenant(renewals.isCitus, leases, async (asked, tenant) => {
          // Each lease is looked up by its key. PostgreSQL takes an owner for one of a row or two until it has counted, and would
          // read all of them for each of them: IS NOT DISTINCT FROM keeps it from the owner's index, LATERAL from a join.
          const mine = (then: string): string => `
            ${TERMS} CROSS JOIN LATERAL (
              SELECT c.tenant, c.email_provider_id AS id FROM imap_email_provider_config c
               WHERE c.tenant = held.tenant AND c.email_provider_id = held.id
                 AND c.lease_owner IS NOT DISTINCT FROM :owner AND c.lease_epoch = held.epoch ${only(tenant)} ${then}) mine`;
          const list = (from: string): string =>
            `(SELECT coalesce(json_agg(json_build_array(tenant, id)), '[]') FROM ${from})`;
          const answer = await trx.raw<{ rows: RenewalRow[] }>(
            // Nearly always all of them are renewed: then a number says it, not ten thousand rows (issue 7).
            `WITH idle AS (
               SELECT mine.tenant, mine.id
                 FROM ${mine('FOR NO KEY UPDATE OF c SKIP LOCKED')}),
             renewed AS (
               UPDATE imap_email_provider_config c SET lease_expires_at = ${EXPIRES}
                 FROM idle WHERE c.tenant = idle.tenant AND c.email_provider_id = idle.id ${only(tenant)}
            RETURNING c.tenant, c.email_provider_id AS id)
             SELECT CASE WHEN done.count < :count THEN ${list('renewed')} END AS renewed,
                    CASE WHEN done.count < :count THEN ${list(
                      `(SELECT mine.tenant, mine.id FROM ${mine('OFFSET 0')}) ours`,
                    )} END AS ours
               FROM (SELECT count(*) AS count FROM renewed) done`,
            {
              owner,
              ttlMs,
              count: asked.length,
              ...columns(asked),
              epochs: arrayText(asked.map(({ epoch }) => epoch)),
              ...named(tenant),
            },
          );
          return [renewalOf(asked, answer.rows[0])];
        }),
      );
      return {
        renewed: answers.flatMap(({ renewed }) => renewed),
        busy: answers.flatMap(({ busy }) => busy),
      };
    },
  };
}

/** @param row null in it: all that were asked for are renewed */
function renewalOf(
  asked: readonly ProviderRef[],
  row: RenewalRow | undefined,
): { readonly renewed: readonly ProviderRef[]; readonly busy: readonly ProviderRef[] } {
  if (row === undefined) return { renewed: [], busy: [] };
  if (row.renewed === null) return { renewed: asked, busy: [] };
  const renewed = row.renewed.map(pairToRef);
  const done = new Set(renewed.map(keyOf));
  return { renewed, busy: (row.ours ?? []).map(pairToRef).filter((ref) => !done.has(keyOf(ref))) };
}

function columns(refs: readonly ProviderRef[]): { readonly tenants: string; readonly ids: string } {
  return { tenants: arrayText(refs.map((ref) => ref.tenant)), ids: arrayText(refs.map((ref) => ref.id)) };
}

/** A PostgreSQL array of what needs no quotes: ten thousand UUIDs that the driver quotes one by one are a quarter of a beat. */
function arrayText(values: readonly (TenantId | ProviderRef['id'] | number)[]): string {
  return `{${values.join(',')}}`;
}

function named(tenant: TenantId | null): { readonly tenant?: TenantId } {
  return tenant === null ? {} : { tenant };
}

function held({
  ref,
  term,
}: {
  readonly ref: ProviderRef;
  readonly term: Term;
}): ProviderRef & { readonly epoch: number } {
  return { ...ref, epoch: term.epoch };
}

function keyOf(ref: RefRow): string {
  return `${ref.tenant}/${ref.id}`;
}

function byKey(found: readonly DiscoveredProvider[]): ReadonlyMap<string, readonly DiscoveredProvider[]> {
  return new Map(found.map((provider) => [keyOf(provider), [provider]]));
}

function toRef({ tenant, id }: RefRow): ProviderRef {
  return { tenant: tenantId(tenant), id: providerId(id) };
}

function pairToRef([tenant, id]: RefPair): ProviderRef {
  return toRef({ tenant, id });
}

function toDiscovered(row: DiscoveryRow): DiscoveredProvider {
  // No spread: ten thousand of them a minute would be made as dictionaries (issue 7).
  return {
    tenant: tenantId(row.tenant),
    id: providerId(row.id),
    configVersion: Number(row.config_version),
    pokeVersion: Number(row.poke_version),
    auditVersion: Number(row.audit_version),
    weight: Number(row.weight),
    leaseOwner: row.lease_owner === null ? null : instanceId(row.lease_owner),
    leaseExpired: row.lease_expired,
  };
}
