/**
 * Letters of the worker and of the daemon as one list, with the state that they are really in: a letter has its effect when the gate
 * says so, and a message that the daemon gave up on once more is open again, whatever was asked before.
 */
import type { Knex } from 'knex';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { isErrorCode } from '@mailstream/shared/errors/catalogue';
import type {
  DeadLetter,
  DeadLetterDetail,
  DeadLetterListQuery,
  DeadLetterState,
} from '../contracts/dead-letters.ts';
import { messageStatusText } from '../use-cases/status-text.ts';
import { decodeCursor, exactTime, iso, isoOrNull } from './page-cursor.ts';

export interface LetterRow {
  readonly event_id: string;
  readonly source: 'worker' | 'ingest';
  readonly state: DeadLetterState;
  readonly code: string;
  readonly detail: string;
  readonly attempts: number;
  readonly replays: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly exact_last_at: string;
  readonly discard_reason: string | null;
  readonly replay_requested_at: Date | null;
  readonly provider_id: string | null;
  readonly provider_name: string | null;
  readonly folder: string | null;
  readonly message_id: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly size: number | null;
  readonly storage_key: string | null;
  /** The worker can put it back. */
  readonly has_entry: boolean;
}

/** `now_dead`: the ledger's row is a dead letter at this moment. */
const LETTERS = `
SELECT l.event_id, l.source, l.code, l.detail, l.attempts, l.replays, l.first_at, l.last_at, l.discard_reason,
       l.replay_requested_at, l.has_entry, ${exactTime('l.last_at')} AS exact_last_at,
       l.provider_id, p.provider_name, l.folder, l.message_id, l.sender, l.subject, l.size, l.storage_key,
       CASE WHEN l.stored = 'discarded' THEN 'discarded'
            WHEN g.event_id IS NOT NULL THEN 'replayed'
            WHEN l.source = 'ingest' AND l.now_dead THEN 'open'
            WHEN l.stored IN ('replaying', 'replayed') THEN 'replaying'
            ELSE 'open' END AS state
  FROM (
    SELECT d.tenant, d.event_id, d.source, d.state AS stored, d.code, d.detail, d.attempts, d.replays, d.first_at, d.last_at,
           d.discard_reason, d.replay_requested_at, d.entry IS NOT NULL AS has_entry, m.status = 'dead_letter' AS now_dead,
           m.provider_id, m.folder, m.message_id, m.sender, m.subject, m.size, m.storage_key
      FROM dead_letters d
      LEFT JOIN inbound_messages m ON m.tenant = d.tenant AND m.event_id = d.event_id
     WHERE d.tenant = :tenant
    UNION ALL
    SELECT m.tenant, m.event_id, 'ingest', 'open', split_part(coalesce(m.reason, 'UNKNOWN'), ':', 1), coalesce(m.reason, ''), m.attempts,
           0, m.received_at, m.received_at, NULL, NULL, false, true,
           m.provider_id, m.folder, m.message_id, m.sender, m.subject, m.size, m.storage_key
      FROM inbound_messages m
     WHERE m.tenant = :tenant AND m.status = 'dead_letter'
       AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.tenant = m.tenant AND d.event_id = m.event_id)
  ) AS l
  LEFT JOIN email_providers p ON p.tenant = l.tenant AND p.id = l.provider_id
  LEFT JOIN email_processed_messages g ON g.tenant = l.tenant AND g.event_id = l.event_id`;

const UNRESOLVED: readonly DeadLetterState[] = ['open', 'replaying'];

export type LetterFilter = Pick<DeadLetterListQuery, 'code' | 'source' | 'providerId' | 'since' | 'until'> & {
  readonly states?: readonly DeadLetterState[];
  readonly eventIds?: readonly string[] | undefined;
};

export function lettersOf(
  trx: Knex.Transaction,
  tenant: TenantId,
  filter: LetterFilter,
): Knex.QueryBuilder<object, LetterRow[]> {
  const rows = trx.from(trx.raw(`(${LETTERS}) AS x`, { tenant })).select('*') as unknown as Knex.QueryBuilder<
    object,
    LetterRow[]
  >;
  if (filter.states !== undefined) void rows.whereIn('x.state', [...filter.states]);
  if (filter.eventIds !== undefined) void rows.whereIn('x.event_id', [...filter.eventIds]);
  if (filter.code !== undefined) void rows.where('x.code', filter.code);
  if (filter.source !== undefined) void rows.where('x.source', filter.source);
  if (filter.providerId !== undefined) void rows.where('x.provider_id', filter.providerId);
  if (filter.since !== undefined) void rows.where('x.last_at', '>=', filter.since);
  if (filter.until !== undefined) void rows.where('x.last_at', '<', filter.until);
  return rows;
}

export function listedLetters(
  trx: Knex.Transaction,
  tenant: TenantId,
  query: DeadLetterListQuery,
): Knex.QueryBuilder<object, LetterRow[]> {
  const states = query.state === undefined ? UNRESOLVED : query.state === 'all' ? undefined : [query.state];
  const rows = lettersOf(trx, tenant, { ...query, ...(states === undefined ? {} : { states }) });
  if (query.cursor !== undefined) {
    const [time, id] = decodeCursor(query.cursor, 'time');
    void rows.whereRaw('(x.last_at, x.event_id) < (?::timestamptz, ?::uuid)', [time, id]);
  }
  return rows
    .orderBy([
      { column: 'x.last_at', order: 'desc' },
      { column: 'x.event_id', order: 'desc' },
    ])
    .limit(query.limit + 1);
}

export function toLetter(row: LetterRow): DeadLetter {
  return {
    eventId: row.event_id,
    source: row.source,
    state: row.state,
    statusText: statusTextOf(row),
    code: row.code,
    detail: row.detail,
    attempts: row.attempts,
    replays: row.replays,
    firstAt: iso(row.first_at),
    lastAt: iso(row.last_at),
    discardReason: row.discard_reason,
    providerId: row.provider_id,
    providerName: row.provider_name,
    folder: row.folder,
    messageId: row.message_id,
    sender: row.sender,
    subject: row.subject,
    size: row.size,
    hasRaw: row.storage_key !== null,
  };
}

function statusTextOf({ code, detail, state, discard_reason: reason }: LetterRow): string {
  switch (state) {
    case 'open':
      return messageStatusText('dead_letter', isErrorCode(code) ? code : detail);
    case 'replaying':
      return 'On its way again.';
    case 'replayed':
      return 'Done: the worker has processed it.';
    case 'discarded':
      return `Discarded${reason === null ? '' : `: ${reason}`}.`;
  }
}

export interface EntryRow {
  readonly stream: string | null;
  readonly entry_id: string | null;
  readonly replay_entry_id: string | null;
  readonly history: DeadLetterDetail['history'];
  readonly entry: string | null;
}

/** @param kept null for a letter of the daemon that nobody has touched yet */
export function toLetterDetail(row: LetterRow, kept: EntryRow | null): DeadLetterDetail {
  return {
    ...toLetter(row),
    stream: kept?.stream ?? null,
    entryId: kept?.entry_id ?? null,
    replayEntryId: kept?.replay_entry_id ?? null,
    replayRequestedAt: isoOrNull(row.replay_requested_at),
    history: kept?.history ?? [],
    entry: kept?.entry === null || kept === null ? null : fieldsOf(kept.entry),
  };
}

function fieldsOf(entry: string): { name: string; value: string }[] {
  const flat = JSON.parse(entry) as readonly string[];
  const fields: { name: string; value: string }[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2)
    fields.push({ name: flat[index] ?? '', value: flat[index + 1] ?? '' });
  return fields;
}
