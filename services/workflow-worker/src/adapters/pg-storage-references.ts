/**
 * Who refers to stored objects, by every column that names one. One statement, and so of one moment: a message is pending with its
 * ledger row, or has its effect with its attachments' rows, or is a dead letter with its entry, never between.
 */
import type { Database } from '@mailstream/shared/db/database';
import { tenantId } from '@mailstream/shared/domain/ids';
import type { JobPositions, StorageReferences } from '../jobs/ports.ts';

/** Letters are searched last, and only when a key was found nowhere else: an entry may be 512 KiB. */
const REFERENCES = `
WITH wanted AS (SELECT unnest(CAST(:keys AS text[])) AS key)
SELECT ARRAY(
         SELECT w.key FROM wanted w
          WHERE EXISTS (SELECT FROM inbound_messages m WHERE m.tenant = :tenant AND m.storage_key = w.key)
             OR EXISTS (SELECT FROM ticket_comments c WHERE c.tenant = :tenant AND c.raw_storage_key = w.key)
             OR EXISTS (SELECT FROM ticket_attachments a WHERE a.tenant = :tenant AND a.storage_key = w.key)
             OR EXISTS (SELECT FROM ticket_comments c WHERE c.tenant = :tenant AND c.text_storage_key = w.key)
             OR EXISTS (SELECT FROM ticket_comments c WHERE c.tenant = :tenant AND c.html_storage_key = w.key)
             OR w.key IN (SELECT file ->> 'storageKey' FROM outbound_messages o, jsonb_array_elements(o.attachments) AS file
                           WHERE o.tenant = :tenant AND o.attachments <> '[]')
             OR w.key IN (SELECT found[1] FROM dead_letters d, regexp_matches(d.entry, :pattern, 'g') AS found
                           WHERE d.tenant = :tenant AND d.entry IS NOT NULL)
       ) AS referenced,
       LEAST((SELECT min(received_at) FROM inbound_messages WHERE tenant = :tenant AND status = 'received'),
             (SELECT min(received_at) FROM inbound_messages WHERE tenant = :tenant AND status = 'published')) AS "oldestPendingAt"`;

export function createPgStorageReferences(database: Database): StorageReferences {
  return {
    tenants: async () => {
      const tenants = await database.asDaemon(async (trx) =>
        trx('tenants').orderBy('tenant').pluck('tenant'),
      );
      return (tenants as readonly string[]).map((tenant) => tenantId(tenant));
    },
    of: (tenant, keys) =>
      database.withTenant(tenant, async (trx) => {
        const { rows } = await trx.raw<{ rows: { referenced: string[]; oldestPendingAt: Date | null }[] }>(
          REFERENCES,
          { tenant, keys: [...keys], pattern: `(${tenant}/[A-Za-z0-9._/-]+)` },
        );
        return {
          referenced: new Set(rows[0]?.referenced),
          oldestPendingAt: rows[0]?.oldestPendingAt ?? null,
        };
      }),
  };
}

export function createPgJobPositions(database: Database): JobPositions {
  return {
    read: (job) =>
      database.asDaemon(async (trx) => {
        const row: { position: string | null } | undefined = await trx('jobs')
          .where({ name: job })
          .first('position');
        return row?.position ?? null;
      }),
    save: (job, position) =>
      database.asDaemon(async (trx) => {
        await trx('jobs').where({ name: job }).update({ position });
      }),
  };
}
