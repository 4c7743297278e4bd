/** The whole installation for operators, over all tenants: processes, counts and ages. No id or name of a tenant's own. */
import type { Knex } from 'knex';
import { z } from 'zod';
import type { ErrorCode } from '@mailstream/shared/errors/catalogue';
import type { ImapStatus } from '../contracts/operations.ts';
import { iso, isoOrNull } from './page-cursor.ts';

/** A process that was killed leaves its row behind; after this long without a beat it is not shown any more. */
const SILENT_AFTER = '5 minutes';

/** What a person has to mend, as a rule the tenant: such a mailbox is counted by its code, and wakes no operator as a silent folder. */
const LOGIN_REFUSED: readonly ErrorCode[] = [
  'IMAP_AUTH_REJECTED',
  'IMAP_AUTH_MECHANISM',
  'IMAP_CREDENTIALS_MISSING',
  'OAUTH_REAUTHORIZE',
  'OAUTH_CLIENT_REJECTED',
  'SECRET_UNREADABLE',
];

/** Watched folders of mailboxes that are switched on and not paused, with their status where they have one. */
const WATCHED_FOLDERS = `
  watched AS (
    SELECT DISTINCT c.tenant, c.email_provider_id, c.lease_owner, c.lease_expires_at, c.audit_version AS requested, p.created_at,
           CASE WHEN upper(f.name) = 'INBOX' THEN 'INBOX' ELSE f.name END AS folder
      FROM email_providers p
      JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
     CROSS JOIN LATERAL jsonb_array_elements_text(CASE WHEN c.folder_filters = '[]' THEN '["INBOX"]' ELSE c.folder_filters END) AS f (name)
     WHERE p.is_active AND p.paused_at IS NULL
  ), folders AS (
    SELECT w.*, s.proven_at, s.unseen, s.oldest_unseen_at, s.audited_at, s.audit_checked, s.audit_missing, s.audit_found,
           coalesce(s.stale_at, w.created_at + interval '15 minutes') < now() AS is_stale,
           coalesce(s.audit_version, 0) < w.requested AS is_pending
      FROM watched w
      LEFT JOIN folder_status s ON s.tenant = w.tenant AND s.provider_id = w.email_provider_id AND s.folder = w.folder
  )`;

interface InstanceRow {
  readonly instance_id: string;
  readonly service: string;
  readonly host: string;
  readonly version: string;
  readonly state: 'running' | 'draining';
  readonly started_at: Date;
  readonly heartbeat_at: Date;
  readonly details: unknown;
  readonly leases: number;
  readonly folders: number;
}

interface FolderTotals {
  readonly folders: number;
  readonly stale: number;
  readonly oldest: number | null;
  readonly unseen: number;
  readonly oldest_unseen: number | null;
  readonly audited: number;
  readonly oldest_audit: Date | null;
  readonly checked: number;
  readonly missing: number;
  readonly found: number;
  readonly pending: number;
}

const detailsSchema = z.object({
  data: z
    .object({ folders: z.number(), stale: z.number(), unseen: z.number(), oldestMs: z.number() })
    .nullable()
    .catch(null),
  heldBy: z.string().nullable().catch(null),
});

export async function readInstallation(
  trx: Knex.Transaction,
): Promise<Pick<ImapStatus, 'instances' | 'totals'>> {
  const instances: InstanceRow[] = await trx('service_instances as i')
    .joinRaw(
      `LEFT JOIN (SELECT c.lease_owner, count(*) AS leases, sum(greatest(jsonb_array_length(c.folder_filters), 1)) AS folders
                    FROM imap_email_provider_config c WHERE c.lease_expires_at > now() GROUP BY c.lease_owner) h
              ON h.lease_owner = i.instance_id`,
    )
    .whereRaw(`i.heartbeat_at > now() - interval '${SILENT_AFTER}'`)
    .orderBy('i.started_at')
    .select('i.instance_id', 'i.service', 'i.host', 'i.version', 'i.state', 'i.started_at', 'i.heartbeat_at')
    .select('i.details')
    .select(trx.raw('coalesce(h.leases, 0) AS leases'), trx.raw('coalesce(h.folders, 0) AS folders'));
  const totals = (await trx('email_providers as p')
    .join('imap_email_provider_config as c', (on) => {
      on.on('c.tenant', 'p.tenant').andOn('c.email_provider_id', 'p.id');
    })
    .first(
      trx.raw('count(*) AS providers'),
      trx.raw('count(*) FILTER (WHERE p.is_active AND p.paused_at IS NULL) AS active'),
      trx.raw('count(*) FILTER (WHERE c.lease_owner IS NOT NULL AND c.lease_expires_at > now()) AS leased'),
    )) as Pick<ImapStatus['totals'], 'providers' | 'active' | 'leased'>;
  const all = await readFolderTotals(trx);
  const sharing = instances.filter(
    ({ service, state }) => service === 'email-service' && state === 'running',
  );
  return {
    instances: instances.map((row) => {
      const { data, heldBy } = detailsSchema.catch({ data: null, heldBy: null }).parse(row.details);
      return {
        instanceId: row.instance_id,
        service: row.service,
        host: row.host,
        version: row.version,
        state: row.state,
        startedAt: iso(row.started_at),
        heartbeatAt: iso(row.heartbeat_at),
        leases: Number(row.leases),
        folders: Number(row.folders),
        share: sharing.includes(row) ? Math.ceil(Number(all.folders) / sharing.length) : null,
        data:
          data === null
            ? null
            : {
                folders: data.folders,
                staleFolders: data.stale,
                unseenMessages: data.unseen,
                oldestDataAgeSeconds: Math.round(data.oldestMs / 1000),
              },
        heldBy,
      };
    }),
    totals: {
      ...totals,
      folders: Number(all.folders),
      staleFolders: Number(all.stale),
      oldestDataAgeSeconds: rounded(all.oldest),
      unseenMessages: Number(all.unseen),
      oldestUnseenSeconds: rounded(all.oldest_unseen),
      audit: {
        folders: Number(all.audited),
        oldestAt: isoOrNull(all.oldest_audit),
        checked: Number(all.checked),
        missing: Number(all.missing),
        found: Number(all.found),
        pending: Number(all.pending),
      },
    },
  };
}

async function readFolderTotals(trx: Knex.Transaction): Promise<FolderTotals> {
  const { rows } = await trx.raw<{ rows: [FolderTotals] }>(
    `WITH ${WATCHED_FOLDERS}
     SELECT count(*) AS folders, count(*) FILTER (WHERE is_stale) AS stale,
            extract(epoch FROM now() - min(proven_at))::float8 AS oldest,
            coalesce(sum(unseen), 0) AS unseen, extract(epoch FROM now() - min(oldest_unseen_at))::float8 AS oldest_unseen,
            count(audited_at) AS audited, min(audited_at) AS oldest_audit, coalesce(sum(audit_checked), 0) AS checked,
            coalesce(sum(audit_missing), 0) AS missing, coalesce(sum(audit_found), 0) AS found,
            count(*) FILTER (WHERE is_pending) AS pending
       FROM folders`,
  );
  return rows[0];
}

export interface InstallationHealth {
  /** Folders over the limit, without those of mailboxes whose login is refused. */
  readonly staleFolders: number;
  readonly oldestSeconds: number;
  /** Mailboxes that are switched on and do not work, by the code of why. */
  readonly failing: ReadonlyMap<string, number>;
  /** Messages that are recorded and not on the stream yet, and how long the oldest has been. */
  readonly unpublished: number;
  readonly unpublishedSeconds: number;
}

/** For the metrics of the server: they tell also while no instance of the daemon runs. */
export async function readInstallationHealth(trx: Knex.Transaction): Promise<InstallationHealth> {
  const folders = await trx.raw<{ rows: [{ stale: number; oldest: number | null }] }>(
    `WITH ${WATCHED_FOLDERS}
     SELECT count(*) FILTER (WHERE is_stale AND NOT coalesce(p.error_code, '') = ANY (?))::int AS stale,
            extract(epoch FROM now() - min(proven_at))::float8 AS oldest
       FROM folders f JOIN email_providers p ON p.tenant = f.tenant AND p.id = f.email_provider_id`,
    [[...LOGIN_REFUSED]],
  );
  const failing = (await trx('email_providers')
    .where({ is_active: true })
    .whereNull('paused_at')
    .whereNotNull('error_code')
    .groupBy('error_code')
    .select('error_code as code', trx.raw('count(*)::int AS mailboxes'))) as {
    code: string;
    mailboxes: number;
  }[];
  const waiting = await trx.raw<{ rows: [{ messages: number; oldest: number | null }] }>(
    `SELECT count(*)::int AS messages, extract(epoch FROM now() - min(received_at))::float8 AS oldest
       FROM inbound_messages WHERE status = 'received'`,
  );
  return {
    staleFolders: folders.rows[0].stale,
    oldestSeconds: Math.max(0, folders.rows[0].oldest ?? 0),
    failing: new Map(failing.map(({ code, mailboxes }) => [code, mailboxes])),
    unpublished: waiting.rows[0].messages,
    unpublishedSeconds: Math.max(0, waiting.rows[0].oldest ?? 0),
  };
}

function rounded(seconds: number | null): number | null {
  return seconds === null ? null : Math.max(0, Math.round(seconds));
}
