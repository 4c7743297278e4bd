/**
 * Watches how old the data of every folder is, from outside of the listeners: one timer over all of them, which runs also when a
 * listener, a session or a promise is stuck for ever.
 *
 * - A folder over the limit is stale: told once in the log and counted, whatever its connection looks like.
 * - One that looks alive and in which nothing has moved for the whole limit is connected anew. A folder that is busy (a backlog, a
 *   large message) or held by back-pressure is stale too, but reconnecting would not help it.
 * - Every minute what changed, and sooner what is news, is stamped into the database in one statement per instance, so that others see the age also when
 *   this process dies.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import { jittered } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { InstanceId } from '@mailstream/shared/domain/ids';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { FolderSight } from './listener-health.ts';
import type { FolderStamp, FolderStatusStore } from './ports/folder-status.ts';
import type { ProviderRef } from './ports/leases.ts';
import type { ProviderRuntime } from './provider-runtime.ts';

export interface WatchedRuntime {
  readonly ref: ProviderRef;
  readonly epoch: number;
  readonly runtime: Pick<ProviderRuntime, 'folders' | 'sights' | 'giveUpSession'>;
}

interface WatchedSight {
  readonly of: WatchedRuntime;
  readonly sight: FolderSight;
}

export interface DataAgeWatchOptions {
  readonly runtimes: () => Iterable<WatchedRuntime>;
  readonly status: Pick<FolderStatusStore, 'stamp'>;
  readonly owner: InstanceId;
  readonly limitMs: number;
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Sums over all folders of this instance, for its heartbeat. */
export interface DataAgeSummary {
  readonly folders: number;
  readonly stale: number;
  readonly unseen: number;
  readonly oldestMs: number;
}

export type DataAgeWatch = Service & { summary(): DataAgeSummary };

const LOOK_MS = 15_000;
const STAMP_MS = 60_000;
/** From so many folders on a heartbeat says what the last look has found: to look at ten thousand takes some 50 ms (issue 7). */
const MANY_FOLDERS = 1_000;
/** What people wait for does not wait for the minute: a folder's first proof, and the end of its being stale. */
const FIRST_STAMP_MS = 5_000;
/** A proof that moved by less is not worth a row. */
const WORTH_STAMPING_MS = 1_000;

export function createDataAgeWatch(options: DataAgeWatchOptions): DataAgeWatch {
  const { clock, log, limitMs, metrics } = options;
  /** Folders that were told to be stale. */
  const told = new Map<string, number>();
  /** What was last stamped of each folder; a runtime lives as long as its term. */
  const stamped = new WeakMap<WatchedRuntime['runtime'], Map<string, StampedState>>();
  const timers = new Map<'look' | 'stamp', () => void>();
  let stamping: Promise<void> = Promise.resolve();
  let removeScrape: () => void = () => undefined;
  let isStopped = false;
  let wholeStampMs = clock.monotonicMs();
  let lastSum: DataAgeSum | null = null;

  /** One at a time: a list of ten thousand, four times a minute, would live long enough to be a burden on the collector (issue 7). */
  function* all(): Generator<WatchedSight> {
    for (const of of options.runtimes()) for (const sight of of.runtime.sights()) yield { of, sight };
  }
  const keyOf = (of: WatchedRuntime, sight: FolderSight): string =>
    `${of.ref.tenant}/${of.ref.id}/${sight.folder}`;

  const knownOf = (runtime: WatchedRuntime['runtime']): Map<string, StampedState> => {
    const known = stamped.get(runtime);
    if (known !== undefined) return known;
    const none = new Map<string, StampedState>();
    stamped.set(runtime, none);
    return none;
  };

  const look = (): void => {
    const seen = new Set<string>();
    // Nearly always nothing is stale, and nobody asks for the names of ten thousand folders.
    const wereTold = told.size > 0;
    const sum = new DataAgeSum(clock.monotonicMs());
    for (const { of, sight } of all()) {
      sum.add(sight, limitMs);
      if (sight.dataAgeMs <= limitMs && !wereTold) continue;
      const key = keyOf(of, sight);
      seen.add(key);
      const fields = { tenantId: of.ref.tenant, providerId: of.ref.id, folder: sight.folder };
      if (sight.dataAgeMs <= limitMs) {
        if (told.delete(key)) {
          log.info('everything in a folder is known to be here again', fields);
          stamped.get(of.runtime)?.delete(sight.folder);
        }
        continue;
      }
      const durationMs = Math.round(sight.dataAgeMs);
      if (!told.has(key)) {
        told.set(key, of.epoch);
        log.error('a folder is stale: no proof that everything in it is here', {
          ...fields,
          state: sight.state,
          durationMs,
        });
      }
      if (sight.isHeld || sight.stillMs <= limitMs) continue;
      const detail = `no proof for ${Math.round(durationMs / 1000)} s that everything is here`;
      const isGivenUp = of.runtime.giveUpSession(sight.folder, {
        kind: 'transient',
        code: 'IMAP_DATA_STALE',
        detail,
      });
      if (isGivenUp) metrics.staleReconnects.inc();
    }
    for (const key of told.keys()) if (!seen.has(key)) told.delete(key);
    lastSum = sum;
  };

  const stamp = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    const isWhole = nowMs - wholeStampMs >= Math.min(STAMP_MS, limitMs / 3);
    if (isWhole) wholeStampMs = nowMs;
    const changed: { readonly known: Map<string, StampedState>; now: StampedState; stamp: FolderStamp }[] =
      [];
    for (const of of options.runtimes()) {
      const known = knownOf(of.runtime);
      // Every few seconds over ten thousand folders: those in which nothing is news cost a look at a name.
      if (!isWhole && isAllIn(of.runtime.folders(), known)) continue;
      const sights = of.runtime.sights();
      for (const sight of sights) {
        const now = {
          provenMs: sight.provenAgeMs === null ? null : nowMs - sight.provenAgeMs,
          unseen: sight.unseen.count,
        };
        const before = known.get(sight.folder);
        if ((isWhole || before === undefined) && isWorthStamping(before, now))
          changed.push({ known, now, stamp: toStamp(of, sight) });
      }
      if (known.size > sights.length) forgetOthers(known, of.runtime.folders());
    }
    if (changed.length === 0) return;
    try {
      await options.status.stamp(
        options.owner,
        limitMs,
        changed.map((one) => one.stamp),
      );
      for (const { known, now, stamp } of changed) known.set(stamp.folder, now);
    } catch (error) {
      // The next one says it: only people read it.
      log.debug('freshness could not be stamped', { code: toFault(error).code });
    }
  };

  const arm = (timer: 'look' | 'stamp', everyMs: number, work: () => void): void => {
    if (isStopped) return;
    const delayMs = jittered(Math.min(everyMs, limitMs / 3), options.jitter, options.random());
    timers.set(timer, clock.schedule(delayMs, work));
  };
  const nextLook = (): void =>
    arm('look', LOOK_MS, () => {
      look();
      nextLook();
    });
  const nextStamp = (): void =>
    arm('stamp', FIRST_STAMP_MS, () => {
      stamping = stamp().then(nextStamp);
    });

  const service = createService('data age watch', {
    start: () => {
      isStopped = false;
      removeScrape = metrics.onScrape(() => setGauges(metrics, all(), limitMs));
      nextLook();
      nextStamp();
      return Promise.resolve();
    },
    stop: async () => {
      isStopped = true;
      removeScrape();
      for (const cancel of timers.values()) cancel();
      await stamping;
    },
  });
  return {
    ...service,
    summary: () => {
      const nowMs = clock.monotonicMs();
      if (lastSum !== null && lastSum.folders >= MANY_FOLDERS && nowMs - lastSum.atMs < LOOK_MS)
        return lastSum.summary(nowMs);
      const sum = new DataAgeSum(nowMs);
      for (const { sight } of all()) sum.add(sight, limitMs);
      lastSum = sum;
      return sum.summary(nowMs);
    },
  };
}

/** Sums at one moment. */
class DataAgeSum {
  readonly atMs: number;
  folders = 0;
  #stale = 0;
  #unseen = 0;
  #oldestMs = 0;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  add({ dataAgeMs, unseen }: FolderSight, limitMs: number): void {
    this.folders += 1;
    if (dataAgeMs > limitMs) this.#stale += 1;
    this.#unseen += unseen.count;
    this.#oldestMs = Math.max(this.#oldestMs, dataAgeMs);
  }

  /** The oldest is taken to have grown older since. */
  summary(nowMs: number): DataAgeSummary {
    const oldestMs = this.folders === 0 ? 0 : Math.round(this.#oldestMs + nowMs - this.atMs);
    return { folders: this.folders, stale: this.#stale, unseen: this.#unseen, oldestMs };
  }
}

interface StampedState {
  readonly provenMs: number | null;
  readonly unseen: number;
}

function isWorthStamping(before: StampedState | undefined, now: StampedState): boolean {
  if (before === undefined) return now.provenMs !== null || now.unseen > 0;
  if (before.unseen !== now.unseen) return true;
  return now.provenMs !== null && now.provenMs - (before.provenMs ?? -Infinity) > WORTH_STAMPING_MS;
}

function isAllIn(folders: Iterable<string>, known: ReadonlyMap<string, unknown>): boolean {
  for (const folder of folders) if (!known.has(folder)) return false;
  return true;
}

function forgetOthers(known: Map<string, unknown>, folders: Iterable<string>): void {
  const kept = new Set(folders);
  for (const folder of known.keys()) if (!kept.has(folder)) known.delete(folder);
}

function toStamp(of: WatchedRuntime, { folder, provenAgeMs, unseen }: FolderSight): FolderStamp {
  return {
    ...of.ref,
    folder,
    epoch: of.epoch,
    provenAgeMs,
    unseen: unseen.count,
    oldestUnseenAgeMs: unseen.oldestAgeMs,
    newestUnseenAgeMs: unseen.newestAgeMs,
  };
}

/** No label names a folder: the database and the API tell which, these tell that. */
function setGauges(metrics: Metrics, sights: Iterable<WatchedSight>, limitMs: number): void {
  metrics.folderDataAge.reset();
  metrics.foldersStale.reset();
  const oldest = new Map<string, number>();
  const stale = new Map<string, number>();
  let unseen = 0;
  let holes = 0;
  let oldestUnseenMs = 0;
  let newestUnseenMs = 0;
  for (const { sight } of sights) {
    oldest.set(sight.state, Math.max(oldest.get(sight.state) ?? 0, sight.dataAgeMs));
    stale.set(sight.state, (stale.get(sight.state) ?? 0) + (sight.dataAgeMs > limitMs ? 1 : 0));
    unseen += sight.unseen.count;
    holes += sight.holes;
    oldestUnseenMs = Math.max(oldestUnseenMs, sight.unseen.oldestAgeMs ?? 0);
    newestUnseenMs = Math.max(newestUnseenMs, sight.unseen.newestAgeMs ?? 0);
  }
  for (const [state, ageMs] of oldest) metrics.folderDataAge.set({ state }, ageMs / 1000);
  for (const [state, count] of stale) metrics.foldersStale.set({ state }, count);
  metrics.unseenMessages.set(unseen);
  metrics.holes.set(holes);
  metrics.unseenOldestAge.set(oldestUnseenMs / 1000);
  metrics.unseenNewestAge.set(newestUnseenMs / 1000);
}
