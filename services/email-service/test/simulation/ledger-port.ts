/** The ledger on the modelled PostgreSQL: each method is one transaction, with the meaning of the SQL in adapters/pg-ledger.ts. */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import { eventId } from '@mailstream/shared/events/email-received';
import type { FolderRef, Term } from '../../src/ports/leases.ts';
import type { CursorPosition, FolderReading, Ledger, NewMessage } from '../../src/ports/ledger.ts';
import type { PortContext } from './lease-port.ts';
import { rowKey, type MessageRow, type ProviderRow } from './postgres-model.ts';
import { EPOCH_MS } from './process-model.ts';

const FENCED = { kind: 'fenced' } as const;

export function createLedgerPort(context: PortContext): Ledger {
  const { process, network, postgres, checks, mutations } = context;
  const call = <T>(name: string, effect: () => T): Promise<T> =>
    network.call(process, postgres.link, name, effect);
  const keyOf = (folder: FolderRef, uidValidity: number, uid: number): string =>
    rowKey(folder.id, folder.folder, uidValidity, uid);
  const now = (): Date => new Date(EPOCH_MS + postgres.nowMs());

  /** The provider's row while the term holds; what a write finds under the row lock. */
  const owned = (folder: FolderRef, term: Term): ProviderRow | null => {
    const row = postgres.provider(folder.id);
    const isOurs = row.leaseOwner === term.owner && row.leaseEpoch === term.epoch;
    if (!isOurs && !mutations.noFence) return null;
    checks.written(process, folder, isOurs);
    return row;
  };
  const setState = (row: ProviderRow, folder: string, state: FolderState): void => {
    postgres.state.providers.set(row.id, {
      ...row,
      folderState: new Map(row.folderState).set(folder, state),
    });
  };
  const replace = (row: MessageRow): void => void postgres.state.rows.set(row.key, row);

  const known = (folder: FolderRef, uidValidity: number, from: number): readonly number[] =>
    postgres
      .rowsOf(folder.id, folder.folder)
      .filter((row) => row.uidValidity === uidValidity && row.uid >= from)
      .map((row) => row.uid)
      .sort((a, b) => a - b);
  const isUnknown = (folder: FolderRef): boolean => {
    const isOfFolder = (key: string): boolean => key.startsWith(`${folder.id}/${folder.folder}/`);
    return (
      postgres.rowsOf(folder.id, folder.folder).length === 0 &&
      ![...postgres.state.attempts.keys()].some(isOfFolder)
    );
  };
  const unended = (folder: FolderRef, uidValidity: number): FolderReading['unended'] => {
    const prefix = keyOf(folder, uidValidity, 0).slice(0, -1);
    const found = new Map<number, { kills: number; crashes: number }>();
    for (const [key, { attempts, kills }] of postgres.state.attempts)
      if (key.startsWith(prefix) && attempts > 0)
        found.set(Number(key.slice(prefix.length)), { kills, crashes: attempts - kills });
    return found;
  };

  return {
    putFolderState: (folder, term, state, expected) =>
      call('putFolderState', () =>
        postgres.commit(() => {
          const row = owned(folder, term);
          if (row === null) return FENCED;
          const before = row.folderState.get(folder.folder) ?? null;
          if (!mutations.blindCursor && !isAt(before, expected)) return { kind: 'changed' as const };
          const publishSeq = Math.max(state.publishSeq, before?.publishSeq ?? 0);
          setState(row, folder.folder, { ...state, publishSeq });
          checks.stateStored(process, folder, state, before);
          return { kind: 'stored' as const };
        }),
      ),

    raiseSequence: (folder, term, atLeast) =>
      call('raiseSequence', () =>
        postgres.commit(() => {
          const row = owned(folder, term);
          if (row === null) return FENCED;
          const stored = row.folderState.get(folder.folder);
          if (stored !== undefined && stored.publishSeq < atLeast)
            setState(row, folder.folder, { ...stored, publishSeq: atLeast });
          return { kind: 'stored' as const };
        }),
      ),

    knownUids: (folder, uidValidity, from) => call('knownUids', () => known(folder, uidValidity, from)),

    readFolder: (folder, wanted) =>
      call('readFolder', () => {
        const state = postgres.provider(folder.id).folderState.get(folder.folder) ?? null;
        const part = wanted(state);
        const isBlank = isUnknown(folder);
        if (part === null || isBlank) return { state, isBlank, known: [], unended: new Map() };
        const { uidValidity, from } = part;
        const unendedThere = unended(folder, uidValidity);
        return { state, isBlank, known: known(folder, uidValidity, from), unended: unendedThere };
      }),

    countAttempts: (folder, term, uidValidity, uids) =>
      call('countAttempts', () =>
        postgres.commit((state) => {
          if (owned(folder, term) === null) return FENCED;
          for (const uid of uids) {
            const key = keyOf(folder, uidValidity, uid);
            const before = state.attempts.get(key) ?? { attempts: 0, kills: 0 };
            state.attempts.set(key, { ...before, attempts: before.attempts + 1 });
          }
          return { kind: 'counted' as const };
        }),
      ),

    countKill: (folder, uidValidity, uid) =>
      call('countKill', () =>
        postgres.commit((state) => {
          const key = keyOf(folder, uidValidity, uid);
          const before = state.attempts.get(key);
          if (before !== undefined) state.attempts.set(key, { ...before, kills: before.kills + 1 });
        }),
      ),

    forgiveAttempts: (folder, uidValidity, uids) =>
      call('forgiveAttempts', () =>
        postgres.commit((state) => {
          for (const uid of uids) {
            const key = keyOf(folder, uidValidity, uid);
            const before = state.attempts.get(key);
            if (before !== undefined && before.attempts > before.kills)
              state.attempts.set(key, { ...before, attempts: before.attempts - 1 });
          }
        }),
      ),

    recordBatch: (folder, term, batch) =>
      call('recordBatch', () =>
        postgres.commit((state) => {
          const row = owned(folder, term);
          if (row === null) return FENCED;
          const stored = row.folderState.get(folder.folder);
          if (!mutations.blindCursor && !isAt(stored ?? null, batch.expected))
            return { kind: 'changed' as const };
          const previousSeq = stored?.publishSeq ?? 0;
          let seq = previousSeq;
          const rows: { uid: number; publishSeq: number }[] = [];
          const messages = [...batch.messages].sort((a, b) => a.uid - b.uid);
          if (mutations.cursorWithoutRow && messages.length > 1) messages.pop();
          for (const message of messages) {
            const key = keyOf(folder, batch.state.uidValidity, message.uid);
            if (state.rows.has(key)) continue;
            if (message.status === 'received') seq += 1;
            const publishSeq = message.status === 'received' ? seq : 0;
            state.rows.set(key, newRow(folder, batch.state.uidValidity, message, publishSeq));
            if (publishSeq > 0) rows.push({ uid: message.uid, publishSeq });
          }
          for (const uid of batch.finished)
            state.attempts.delete(keyOf(folder, batch.state.uidValidity, uid));
          const holes = mutations.leftOutIsGone ? [] : batch.state.holes;
          const moved = { ...batch.state, holes, publishSeq: seq, lastSeenAt: now().toISOString() };
          setState(row, folder.folder, moved);
          checks.stateStored(process, folder, moved, stored ?? null);
          return { kind: 'stored' as const, previousSeq, rows };
        }),
      ),

    unmatchedContent: (folder, uidValidity, { hashes, emailIds }) =>
      call('unmatchedContent', () => {
        if (mutations.noMatching) return { byHash: new Map(), byEmailId: new Map() };
        const rows = postgres
          .rowsOf(folder.id, folder.folder)
          .filter((row) => row.reason !== 'before_baseline');
        return {
          byHash: mutations.greedyMatching
            ? new Map(rows.map((row) => [row.contentHash ?? '', Infinity]))
            : unmatched(rows, uidValidity, hashes, (row) => row.contentHash),
          byEmailId: unmatched(rows, uidValidity, emailIds, (row) => row.emailId),
        };
      }),

    outstanding: (folder) =>
      call('outstanding', () => {
        const rows = postgres.rowsOf(folder.id, folder.folder);
        return {
          publishSeq: postgres.provider(folder.id).folderState.get(folder.folder)?.publishSeq ?? null,
          isUnpublished: rows.some(({ status }) => status === 'received'),
          isUnprocessed: rows.some(({ status }) => status === 'published'),
        };
      }),

    unpublished: (folder, afterSeq, limit) =>
      call('unpublished', () =>
        mutations.noRecovery
          ? []
          : bySeq(postgres.rowsOf(folder.id, folder.folder), 'received', afterSeq, limit).map((row) => ({
              tenant: folder.tenant,
              providerId: row.providerId,
              folder: row.folder,
              uidValidity: row.uidValidity,
              uid: row.uid,
              publishSeq: row.publishSeq,
              internalDate: row.internalDate,
              emailId: row.emailId,
              reason: row.reason,
              raw:
                row.storageKey === null || row.contentHash === null
                  ? null
                  : { storageKey: row.storageKey, sha256: row.contentHash, size: row.size },
            })),
      ),

    unprocessed: (folder, afterSeq, limit) =>
      call('unprocessed', () =>
        mutations.noReconciliation
          ? []
          : bySeq(postgres.rowsOf(folder.id, folder.folder), 'published', afterSeq, limit).map((row) => ({
              tenant: folder.tenant,
              providerId: row.providerId,
              folder: row.folder,
              uidValidity: row.uidValidity,
              uid: row.uid,
              publishSeq: row.publishSeq,
              entryId: row.entryId,
              publishedAt: row.publishedAt ?? now(),
            })),
      ),

    requeue: (folder, term, rows) =>
      call('requeue', () =>
        postgres.commit((state) => {
          const provider = owned(folder, term);
          if (provider === null) return FENCED;
          const stored = provider.folderState.get(folder.folder);
          let seq = stored?.publishSeq ?? 0;
          let count = 0;
          for (const { uidValidity, uid, publishSeq } of [...rows].sort(
            (a, b) => a.publishSeq - b.publishSeq,
          )) {
            const row = state.rows.get(keyOf(folder, uidValidity, uid));
            if (row?.status !== 'published' || row.publishSeq !== publishSeq) continue;
            seq += 1;
            count += 1;
            replace({ ...row, status: 'received', publishSeq: seq, entryId: null, publishedAt: null });
            checks.requeued();
          }
          if (stored !== undefined) setState(provider, folder.folder, { ...stored, publishSeq: seq });
          return { kind: 'stored' as const, count };
        }),
      ),

    deadLetter: (folder, term, { uidValidity, uid }, reason) =>
      call('deadLetter', () =>
        postgres.commit((state) => {
          if (owned(folder, term) === null) return FENCED;
          const row = state.rows.get(keyOf(folder, uidValidity, uid));
          if (row?.status === 'received' || row?.status === 'published')
            replace({ ...row, status: 'dead_letter', reason });
          return { kind: 'stored' as const };
        }),
      ),

    markPublished: (folder, rows) =>
      call('markPublished', () =>
        postgres.commit((state) => {
          for (const { uidValidity, uid, publishSeq, entryId } of rows) {
            const row = state.rows.get(keyOf(folder, uidValidity, uid));
            if (row === undefined || row.publishSeq !== publishSeq) continue;
            replace({
              ...row,
              status: row.status === 'received' ? 'published' : row.status,
              entryId: entryId ?? row.entryId,
              publishedAt: row.publishedAt ?? now(),
            });
          }
        }),
      ),
  };
}

/** Whether the row still holds the cursor that was read. */
function isAt(stored: FolderState | null, expected: CursorPosition | null): boolean {
  return stored?.uidValidity === expected?.uidValidity && stored?.lastUid === expected?.lastUid;
}

function newRow(
  { tenant, id, folder }: FolderRef,
  uidValidity: number,
  message: NewMessage,
  publishSeq: number,
): MessageRow {
  return {
    key: rowKey(id, folder, uidValidity, message.uid),
    providerId: id,
    folder,
    uidValidity,
    uid: message.uid,
    publishSeq,
    eventId: eventId({ tenant, providerId: id, folder, uidValidity, uid: message.uid }),
    contentHash: message.contentHash,
    size: message.size,
    internalDate: message.internalDate,
    emailId: message.emailId,
    status: message.status,
    reason: message.reason,
    storageKey: message.storageKey,
    entryId: null,
    publishedAt: null,
  };
}

function bySeq(
  rows: readonly MessageRow[],
  status: MessageRow['status'],
  afterSeq: number,
  limit: number,
): readonly MessageRow[] {
  return rows
    .filter((row) => row.status === status && row.publishSeq > afterSeq)
    .sort((a, b) => a.publishSeq - b.publishSeq)
    .slice(0, limit);
}

/** What other UIDVALIDITYs knew of a value, minus what was matched under this one; as the SQL does it. */
function unmatched(
  rows: readonly MessageRow[],
  uidValidity: number,
  values: readonly string[],
  valueOf: (row: MessageRow) => string | null,
): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  for (const value of new Set(values)) {
    const all = rows.filter((row) => valueOf(row) === value);
    if (all.length === 0) continue;
    const counts = new Map<number, number>();
    let [originals, matchedHere] = [0, 0];
    for (const row of all) {
      const isMatched = row.reason === 'same_content';
      if (row.uidValidity === uidValidity) matchedHere += isMatched ? 1 : 0;
      else {
        counts.set(row.uidValidity, (counts.get(row.uidValidity) ?? 0) + 1);
        originals += isMatched ? 0 : 1;
      }
    }
    result.set(value, Math.max(0, Math.max(originals, ...counts.values()) - matchedHere));
  }
  return result;
}
