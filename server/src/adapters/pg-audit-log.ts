/** The audit log, as people read it. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { AuditEntry, AuditListQuery } from '../contracts/audit-log.ts';
import type { AuditLogStore } from '../ports/accounts.ts';
import { decodeCursor, exactTime, iso, toPage } from './page-cursor.ts';

interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly exact_at: string;
  readonly actor_type: AuditEntry['actor']['type'];
  readonly actor_id: string | null;
  readonly actor_name: string | null;
  readonly action: string;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly subject_name: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** Whoever writes a line leaves secrets out; should one forget it, they are not shown. Whether there is one may be told. */
const SECRET_NAME = /password|secret|token|hash|cookie|authorization/i;

export function createAuditLogStore(database: Database): AuditLogStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) =>
        toPage(await filtered(trx, tenant, query), query.limit, toEntry, (row) => [row.exact_at, row.id]),
      ),
  };
}

async function filtered(trx: Knex.Transaction, tenant: TenantId, query: AuditListQuery): Promise<AuditRow[]> {
  const rows = trx('audit_log as a')
    .leftJoin('users as u', (on) => {
      on.on('u.tenant', 'a.tenant').andOn(trx.raw('u.id::text = a.actor_id'));
    })
    .leftJoin('api_tokens as t', (on) => {
      on.on('t.tenant', 'a.tenant').andOn(trx.raw('t.id::text = a.actor_id'));
    })
    .leftJoin('email_providers as p', (on) => {
      on.on('p.tenant', 'a.tenant').andOn(trx.raw('p.id::text = a.subject_id'));
    })
    .leftJoin('users as s', (on) => {
      on.on('s.tenant', 'a.tenant').andOn(trx.raw('s.id::text = a.subject_id'));
    })
    .where('a.tenant', tenant)
    .select(
      'a.*',
      trx.raw(`${exactTime('a.at')} AS exact_at, coalesce(nullif(u.display_name, ''), u.email, t.name) AS actor_name,
        CASE a.subject_type WHEN 'job' THEN a.subject_id
          WHEN 'email_rule' THEN coalesce((SELECT r.name FROM email_rules r WHERE r.tenant = a.tenant AND r.id::text = a.subject_id),
                                          a.before ->> 'name')
          WHEN 'ticket' THEN (SELECT '#' || k.number FROM tickets k WHERE k.tenant = a.tenant AND k.id::text = a.subject_id)
          ELSE coalesce(p.provider_name, s.email, a.after ->> 'name', a.before ->> 'name') END AS subject_name`),
    );
  if (query.action !== undefined) void rows.whereRaw('starts_with(a.action, ?)', [query.action]);
  if (query.actorId !== undefined) void rows.where('a.actor_id', query.actorId);
  if (query.subjectType !== undefined) void rows.where('a.subject_type', query.subjectType);
  if (query.subjectId !== undefined) void rows.where('a.subject_id', query.subjectId);
  if (query.since !== undefined) void rows.where('a.at', '>=', query.since);
  if (query.until !== undefined) void rows.where('a.at', '<', query.until);
  if (query.cursor !== undefined) {
    const [time, id] = decodeCursor(query.cursor, 'time');
    void rows.whereRaw('(a.at, a.id) < (?::timestamptz, ?::uuid)', [time, id]);
  }
  return rows
    .orderBy([
      { column: 'a.at', order: 'desc' },
      { column: 'a.id', order: 'desc' },
    ])
    .limit(query.limit + 1) as unknown as Promise<AuditRow[]>;
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: iso(row.at),
    actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
    action: row.action,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    subjectName: row.subject_name,
    before: withoutSecrets(row.before),
    after: withoutSecrets(row.after),
  };
}

function withoutSecrets(values: Record<string, unknown> | null): Record<string, unknown> | null {
  if (values === null) return null;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (SECRET_NAME.test(name) && typeof value === 'string' && value !== '') return [name, '•••'];
      const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [name, isNested ? withoutSecrets(value as Record<string, unknown>) : value];
    }),
  );
}
