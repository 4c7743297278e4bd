/**
 * Leases in PostgreSQL: acquire, renew, release, each one statement that names (provider, owner, epoch), by the database's clock.
 * An old renewal cannot extend a newer term, an old release cannot delete it.
 */
import { notifyProvider } from '@mailstream/shared/db/notices';
import type { Database } from '@mailstream/shared/db/database';
import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { LeaseStore } from '../ports.ts';

interface DiscoveryRow {
  readonly tenant: string;
  readonly id: string;
  readonly config_version: number;
  readonly poke_version: number;
  readonly weight: number;
  readonly lease_owner: string | null;
  readonly lease_expired: boolean;
}

/**
 * @param database the pool for leases: its own, so that renewals never wait behind ingest.
 */
export function createPgLeaseStore(database: Database): LeaseStore {
  return {
    async discover(only) {
      const rows = await database.asDaemon(async (trx) => {
        const found = await trx.raw<{ rows: DiscoveryRow[] }>(
          `SELECT p.tenant, p.id, c.config_version, c.poke_version, c.lease_owner,
                  greatest(jsonb_array_length(c.folder_filters), 1) AS weight,
                  coalesce(c.lease_expires_at <= now(), true) AS lease_expired
             FROM email_providers p
             JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
            WHERE p.provider_type = 'imap' AND p.is_active AND p.paused_at IS NULL
              ${only === undefined ? '' : 'AND p.tenant = :tenant AND p.id = :id'}`,
          only === undefined ? {} : { tenant: only.tenant, id: only.id },
        );
        return found.rows;
      });
      return rows.map((row) => ({
        tenant: tenantId(row.tenant),
        id: providerId(row.id),
        configVersion: Number(row.config_version),
        pokeVersion: Number(row.poke_version),
        weight: Number(row.weight),
        leaseOwner: row.lease_owner === null ? null : instanceId(row.lease_owner),
        leaseExpired: row.lease_expired,
      }));
    },

    async unowned() {
      const rows = await database.asDaemon(async (trx) => {
        const found = await trx.raw<{ rows: { tenant: string; id: string }[] }>(
          `SELECT p.tenant, p.id
             FROM imap_email_provider_config c
             JOIN email_providers p ON p.tenant = c.tenant AND p.id = c.email_provider_id
            WHERE (c.lease_owner IS NULL OR c.lease_expires_at <= now())
              AND p.provider_type = 'imap' AND p.is_active AND p.paused_at IS NULL`,
        );
        return found.rows;
      });
      return rows.map((row) => ({ tenant: tenantId(row.tenant), id: providerId(row.id) }));
    },

    async acquire(provider, owner, ttlMs) {
      const rows = await database.asDaemon(async (trx) => {
        const won = await trx.raw<{ rows: { lease_epoch: number }[] }>(
          `UPDATE imap_email_provider_config
              SET lease_owner = :owner, lease_epoch = lease_epoch + 1,
                  lease_expires_at = now() + make_interval(secs => :ttlMs / 1000.0)
            WHERE tenant = :tenant AND email_provider_id = :id
              AND (lease_owner IS NULL OR lease_owner = :owner OR lease_expires_at <= now())
        RETURNING lease_epoch`,
          { tenant: provider.tenant, id: provider.id, owner, ttlMs },
        );
        return won.rows;
      });
      return rows[0] === undefined ? null : { owner, epoch: Number(rows[0].lease_epoch) };
    },

    async renew(leases, owner, ttlMs) {
      const rows = await database.asDaemon(async (trx) => {
        const renewed = await trx.raw<{ rows: { tenant: string; id: string }[] }>(
          `UPDATE imap_email_provider_config c
              SET lease_expires_at = now() + make_interval(secs => :ttlMs / 1000.0)
             FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:epochs AS bigint[])) AS held (tenant, id, epoch)
            WHERE c.tenant = held.tenant AND c.email_provider_id = held.id
              AND c.lease_owner = :owner AND c.lease_epoch = held.epoch
        RETURNING c.tenant, c.email_provider_id AS id`,
          {
            owner,
            ttlMs,
            tenants: leases.map((lease) => lease.tenant),
            ids: leases.map((lease) => lease.id),
            epochs: leases.map((lease) => lease.epoch),
          },
        );
        return renewed.rows;
      });
      return rows.map((row) => ({ tenant: tenantId(row.tenant), id: providerId(row.id) }));
    },

    async release(provider, term) {
      await database.asDaemon(async (trx) => {
        const released = await trx.raw<{ rowCount: number }>(
          `UPDATE imap_email_provider_config SET lease_owner = NULL, lease_expires_at = NULL
            WHERE tenant = :tenant AND email_provider_id = :id AND lease_owner = :owner AND lease_epoch = :epoch`,
          { tenant: provider.tenant, id: provider.id, owner: term.owner, epoch: term.epoch },
        );
        if (released.rowCount > 0) await notifyProvider(trx, provider.tenant, provider.id);
      });
    },
  };
}
