/** The operator's view: processes and counts over all tenants, mailboxes of the own tenant alone. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { providerId } from '@mailstream/shared/domain/ids';
import type { ImapStatus } from '../contracts/operations.ts';
import type { OperationsStore } from '../ports.ts';
import { providerState, providerStatusText } from '../use-cases/status-text.ts';
import { iso, isoOrNull } from './page-cursor.ts';
import { providerQuery } from './pg-provider-rows.ts';
import { toFolders, toLease } from './provider-view.ts';

/** A process that was killed leaves its row behind; after this long without a beat it is not shown any more. */
const SILENT_AFTER = '5 minutes';

interface InstanceRow {
  readonly instance_id: string;
  readonly service: string;
  readonly host: string;
  readonly version: string;
  readonly state: 'running' | 'draining';
  readonly started_at: Date;
  readonly heartbeat_at: Date;
  readonly leases: number;
}

export function createOperationsStore(database: Database): OperationsStore {
  return {
    async status(tenant) {
      const { instances, totals } = await database.asDaemon(readInstallation);
      const rows = await database.withTenant(tenant, async (trx) =>
        providerQuery(trx, tenant).orderByRaw('lower(p.provider_name), p.id'),
      );
      return {
        instances,
        totals,
        providers: rows.map((row) => {
          const state = providerState({
            isActive: row.is_active,
            pauseReason: row.pause_reason,
            status: row.status,
          });
          return {
            id: row.id,
            providerName: row.provider_name,
            mailbox: row.mailbox,
            state,
            statusText: providerStatusText(state, row.pause_reason, row.error_code),
            lastSyncAt: isoOrNull(row.last_sync_at),
            lease: toLease(row),
            folders: toFolders(row),
          };
        }),
      };
    },

    running: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const rows: { id: string }[] = await trx('email_providers')
          .where({ tenant, is_active: true })
          .whereNull('paused_at')
          .orderBy('id')
          .select('id');
        return rows.map((row) => providerId(row.id));
      }),
  };
}

/** Counts only: ids of other tenants stay in the database. */
async function readInstallation(trx: Knex.Transaction): Promise<Pick<ImapStatus, 'instances' | 'totals'>> {
  const instances: InstanceRow[] = await trx('service_instances as i')
    .whereRaw(`i.heartbeat_at > now() - interval '${SILENT_AFTER}'`)
    .orderBy('i.started_at')
    .select('i.instance_id', 'i.service', 'i.host', 'i.version', 'i.state', 'i.started_at', 'i.heartbeat_at')
    .select(
      trx.raw(`(SELECT count(*) FROM imap_email_provider_config c
        WHERE c.lease_owner = i.instance_id AND c.lease_expires_at > now()) AS leases`),
    );
  const totals = (await trx('email_providers as p')
    .join('imap_email_provider_config as c', (on) => {
      on.on('c.tenant', 'p.tenant').andOn('c.email_provider_id', 'p.id');
    })
    .first(
      trx.raw('count(*) AS providers'),
      trx.raw('count(*) FILTER (WHERE p.is_active AND p.paused_at IS NULL) AS active'),
      trx.raw('count(*) FILTER (WHERE c.lease_owner IS NOT NULL AND c.lease_expires_at > now()) AS leased'),
    )) as ImapStatus['totals'];
  return {
    instances: instances.map((row) => ({
      instanceId: row.instance_id,
      service: row.service,
      host: row.host,
      version: row.version,
      state: row.state,
      startedAt: iso(row.started_at),
      heartbeatAt: iso(row.heartbeat_at),
      leases: row.leases,
    })),
    totals,
  };
}
