/**
 * Watches how old the data of every folder is, from outside of the listeners: one timer over all of them, which runs also when a
 * listener, a session or a promise is stuck for ever.
 *
 * - A folder over the limit is stale: told once in the log and counted, whatever its connection looks like.
 * - One that looks alive and in which nothing has moved for the whole limit is connected anew. A folder that is busy (a backlog, a
 *   large message) or held by back-pressure is stale too, but reconnecting would not help it.
 * - Every minute what changed, and sooner what is news, is stamped into the database in one statement per instance, so that others see
 *   the age also when this process dies.
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
import type { ProviderRuntime } from './provider-runtime.ts';

export type WatchedRuntime = Pick<
  ProviderRuntime,
  'ref' | 'epoch' | 'isEnding' | 'folders' | 'sights' | 'giveUpSession'
>;

interface WatchedSight {
  readonly runtime: WatchedRuntime;
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

export type DataAgeWatch = Service & {
  summary(): DataAgeSummary;
  /** It watches one more folder. */
  folderAdded(runtime: WatchedRuntime): void;
};

const LOOK_MS = 30_000;
const STAMP_MS = 60_000;
/**
 * From so many folders on a heartbeat and a scrape say what the last look has found: to look at ten thousand takes some 40 ms, for which
 * everything else waits (issue 7).
 */
const MANY_FOLDERS = 1_000;
/** What people wait for does not wait for the minute: a folder's first proof, and the end of its being stale. */
const FIRST_STAMP_MS = 5_000;
/** A proof that moved by less is not worth a row. */
const WORTH_STAMPING_MS = 1_000;

export function createDataAgeWatch(options: DataAgeWatchOptions): DataAgeWatch {
  const { clock, log, limitMs, metrics } = options;
  /** Folders that were told to be stale. */
  const told = new Set<string>();
  /** What was last stamped of each folder; a runtime lives as long as its term. */
  const stamped = new WeakMap<WatchedRuntime, Map<string, StampedState>>();
  /** Those with a folder of which nothing was stamped yet, or not since it was stale. */
  const unstamped = new Set<WatchedRuntime>();
  const timers = new Map<'look' | 'stamp', () => void>();
  let stamping: Promise<void> = Promise.resolve();
  let removeScrape: () => void = () => undefined;
  let isStopped = false;
  let wholeStampMs = clock.monotonicMs();
  let lastSum: DataAgeSum | null = null;

  /** One at a time: a list of ten thousand, four times a minute, would live long enough to be a burden on the collector (issue 7). */
  function* all(): Generator<WatchedSight> {
    for (const runtime of options.runtimes()) for (const sight of runtime.sights()) yield { runtime, sight };
  }
  const keyOf = ({ ref }: WatchedRuntime, { folder }: FolderSight): string =>
    `${ref.tenant}/${ref.id}/${folder}`;

  const knownOf = (runtime: WatchedRuntime): Map<string, StampedState> => {
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
    for (const { runtime, sight } of all()) {
      sum.add(sight, limitMs);
      if (sight.dataAgeMs <= limitMs && !wereTold) continue;
      const key = keyOf(runtime, sight);
      seen.add(key);
      const { tenant, id } = runtime.ref;
      const fields = { tenantId: tenant, providerId: id, folder: sight.folder };
      if (sight.dataAgeMs <= limitMs) {
        if (told.delete(key)) {
          log.info('everything in a folder is known to be here again', fields);
          stamped.get(runtime)?.delete(sight.folder);
          unstamped.add(runtime);
        }
        continue;
      }
      const durationMs = Math.round(sight.dataAgeMs);
      if (!told.has(key)) {
        told.add(key);
        log.error('a folder is stale: no proof that everything in it is here', {
          ...fields,
          state: sight.state,
          durationMs,
        });
      }
      if (sight.isHeld || sight.stillMs <= limitMs) continue;
      const detail = `no proof for ${Math.round(durationMs / 1000)} s that everything is here`;
      const isGivenUp = runtime.giveUpSession(sight.folder, {
        kind: 'transient',
        code: 'IMAP_DATA_STALE',
        detail,
      });
      if (isGivenUp) metrics.staleReconnects.inc();
    }
    for (const key of told) if (!seen.has(key)) told.delete(key);
    lastSum = sum;
  };

  const current = (): DataAgeSum => {
    const nowMs = clock.monotonicMs();
    if (lastSum !== null && lastSum.folders >= MANY_FOLDERS && nowMs - lastSum.atMs < LOOK_MS) return lastSum;
    const sum = new DataAgeSum(nowMs);
    for (const { sight } of all()) sum.add(sight, limitMs);
    lastSum = sum;
    return sum;
  };

  const stamp = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    const isWhole = nowMs - wholeStampMs >= Math.min(STAMP_MS, limitMs / 3);
    if (isWhole) wholeStampMs = nowMs;
    const changed: { readonly known: Map<string, StampedState>; now: StampedState; stamp: FolderStamp }[] =
      [];
    for (const runtime of isWhole ? options.runtimes() : unstamped) {
      const known = knownOf(runtime);
      if (!isWhole && (runtime.isEnding || isAllIn(runtime.folders(), known))) {
        unstamped.delete(runtime);
        continue;
      }
      const sights = runtime.sights();
      for (const sight of sights) {
        const now = {
          provenMs: sight.provenAgeMs === null ? null : nowMs - sight.provenAgeMs,
          unseen: sight.unseen.count,
        };
        const before = known.get(sight.folder);
        if ((isWhole || before === undefined) && isWorthStamping(before, now))
          changed.push({ known, now, stamp: toStamp(runtime, sight) });
      }
      if (known.size > sights.length) forgetOthers(known, runtime.folders());
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
      removeScrape = metrics.onScrape(() => current().setGauges(metrics, clock.monotonicMs()));
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
    folderAdded: (runtime) => void unstamped.add(runtime),
    summary: () => current().summary(clock.monotonicMs()),
  };
}

/** Sums at one moment. Whoever reads them later takes what is old to have grown older since. */
class DataAgeSum {
  readonly atMs: number;
  folders = 0;
  readonly #byState = new Map<FolderSight['state'], { oldestMs: number; stale: number }>();
  #unseen = 0;
  #holes = 0;
  #oldestUnseenMs: number | null = null;
  #newestUnseenMs: number | null = null;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  add({ state, dataAgeMs, unseen, holes }: FolderSight, limitMs: number): void {
    this.folders += 1;
    let ofState = this.#byState.get(state);
    if (ofState === undefined) {
      ofState = { oldestMs: 0, stale: 0 };
      this.#byState.set(state, ofState);
    }
    ofState.oldestMs = Math.max(ofState.oldestMs, dataAgeMs);
    if (dataAgeMs > limitMs) ofState.stale += 1;
    this.#unseen += unseen.count;
    this.#holes += holes;
    this.#oldestUnseenMs = older(this.#oldestUnseenMs, unseen.oldestAgeMs);
    this.#newestUnseenMs = older(this.#newestUnseenMs, unseen.newestAgeMs);
  }

  summary(nowMs: number): DataAgeSummary {
    const states = [...this.#byState.values()];
    const oldestMs = Math.max(0, ...states.map((ofState) => ofState.oldestMs));
    return {
      folders: this.folders,
      stale: states.reduce((sum, ofState) => sum + ofState.stale, 0),
      unseen: this.#unseen,
      oldestMs: this.folders === 0 ? 0 : Math.round(oldestMs + nowMs - this.atMs),
    };
  }

  /** No label names a folder: the database and the API tell which, these tell that. */
  setGauges(metrics: Metrics, nowMs: number): void {
    const seconds = (ageMs: number | null): number =>
      ageMs === null ? 0 : (ageMs + nowMs - this.atMs) / 1000;
    metrics.folderDataAge.reset();
    metrics.foldersStale.reset();
    for (const [state, { oldestMs, stale }] of this.#byState) {
      metrics.folderDataAge.set({ state }, seconds(oldestMs));
      metrics.foldersStale.set({ state }, stale);
    }
    metrics.unseenMessages.set(this.#unseen);
    metrics.holes.set(this.#holes);
    metrics.unseenOldestAge.set(seconds(this.#oldestUnseenMs));
    metrics.unseenNewestAge.set(seconds(this.#newestUnseenMs));
  }
}

function older(ageMs: number | null, otherMs: number | null): number | null {
  return otherMs === null ? ageMs : Math.max(ageMs ?? 0, otherMs);
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

function toStamp({ ref, epoch }: WatchedRuntime, { folder, provenAgeMs, unseen }: FolderSight): FolderStamp {
  return {
    ...ref,
    folder,
    epoch,
    provenAgeMs,
    unseen: unseen.count,
    oldestUnseenAgeMs: unseen.oldestAgeMs,
    newestUnseenAgeMs: unseen.newestAgeMs,
  };
}
