import type { Database } from '@mailstream/shared/db/database';
import type { InstanceId } from '@mailstream/shared/domain/ids';
import type { InstanceRegistry } from '../ports/leases.ts';

export interface InstanceIdentity {
  readonly owner: InstanceId;
  readonly service: string;
  readonly host: string;
  readonly version: string;
}

/** One statement per beat and instance, by the database's clock. */
export function createPgInstances(database: Database, identity: InstanceIdentity): InstanceRegistry {
  return {
    beat: async (report, deadAfterMs) => {
      await database.asDaemon((trx) =>
        trx.raw(
          `WITH dead AS (
             DELETE FROM service_instances
              WHERE service = :service AND heartbeat_at < now() - make_interval(secs => :deadAfterMs / 1000.0)
           )
           INSERT INTO service_instances AS i (instance_id, service, host, version, state, details)
           VALUES (:owner, :service, :host, :version, :state, CAST(:details AS jsonb))
           ON CONFLICT (instance_id) DO UPDATE SET heartbeat_at = now(), state = excluded.state, details = excluded.details`,
          {
            owner: identity.owner,
            service: identity.service,
            host: identity.host,
            version: identity.version,
            state: report.state,
            deadAfterMs,
            details: JSON.stringify({
              leases: report.leases,
              listeners: report.listeners,
              data: report.data,
              heldBy: report.heldBy,
            }),
          },
        ),
      );
    },
    leave: async () => {
      await database.asDaemon((trx) =>
        trx('service_instances').where({ instance_id: identity.owner }).delete(),
      );
    },
  };
}
