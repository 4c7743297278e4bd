/**
 * Removes stored objects that nobody refers to: raw mails and attachments whose ledger rows and tickets are gone.
 *
 *     stored ──a day old, nobody refers to it──▶ aside ──a day later, still nobody──▶ removed
 *        ▲                                         │
 *        └────────somebody refers to it────────────┘
 *
 * Why nothing that is referred to is ever removed, on a file system as on S3:
 * - Whoever refers to an object has put it before. Who put it after it was set aside has written it anew, in its place; removal takes
 *   only what is aside.
 * - Who put it before that committed the reference within `COMMIT_LAG_MS` of it (a lease, and so the right to commit, is far shorter),
 *   or never. A day later the look at who refers to it finds that reference, or the message is pending: then it stays as well.
 * - Meanwhile it can be read wherever it is, so nobody notices.
 * - A run that lost its lease, or was stopped for a while, does no harm beside the next one: what either does is safe at any time.
 *
 * A run looks at so many objects and no more; the next one goes on where it ended. Tenants that the database does not know are left
 * alone: a database that was just made must not empty the storage of another.
 */
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { RemovableStorage, StorageArea, StoredObject } from '@mailstream/shared/storage/storage';
import type { Job, JobPositions, StorageReferences } from './ports.ts';

const DAY_MS = 86_400_000;
/** Younger ones may be put and not yet referred to. It would do no harm to set them aside; it would be for nothing. */
const YOUNG_MS = DAY_MS;
const ASIDE_MS = DAY_MS;
/** From `put` to the commit of who refers to it, and what clocks may differ by: minutes in fact. */
const COMMIT_LAG_MS = 3_600_000;
const PAGE = 500;
/** Of one run: some minutes of work. */
const MOST_PER_RUN = 100_000;
const AREAS: readonly StorageArea[] = ['aside', 'stored'];
const JOB = 'storage-cleanup';

type Count =
  'lookedAt' | 'unreferenced' | 'unreferencedBytes' | 'setAside' | 'restored' | 'removed' | 'removedBytes';

interface Position {
  readonly area: StorageArea;
  /** The last key that was looked at; its tenant is where to go on. */
  readonly key: string;
}

export function createStorageCleanup(options: {
  readonly storage: Pick<RemovableStorage, 'list' | 'setAside' | 'restore' | 'removeAside'>;
  readonly references: StorageReferences;
  readonly positions: JobPositions;
  readonly metrics: Pick<Metrics, 'storageObjects' | 'storageBytes'>;
  readonly clock: Clock;
  /** Counts what would be done, and does nothing. */
  readonly isDryRun: boolean;
  readonly mostPerRun?: number;
}): Job {
  const { storage, references, positions, metrics, clock, isDryRun, mostPerRun = MOST_PER_RUN } = options;

  const ageMs = ({ storedAt }: StoredObject): number => clock.now().getTime() - storedAt.getTime();

  return async (signal) => {
    const counts: Record<Count, number> = {
      lookedAt: 0,
      unreferenced: 0,
      unreferencedBytes: 0,
      setAside: 0,
      restored: 0,
      removed: 0,
      removedBytes: 0,
    };

    const lookAtStored = async (tenant: TenantId, objects: readonly StoredObject[]): Promise<void> => {
      const old = objects.filter((object) => ageMs(object) >= YOUNG_MS);
      if (old.length === 0) return;
      const { referenced, oldestPendingAt } = await references.of(tenant, old.map(keyOf));
      // A message that waits for so long may need anything; it would be set aside for nothing.
      if (oldestPendingAt !== null && clock.now().getTime() - oldestPendingAt.getTime() >= YOUNG_MS) return;
      for (const { key, size } of old) {
        if (referenced.has(key)) continue;
        signal.throwIfAborted();
        counts.unreferenced += 1;
        counts.unreferencedBytes += size;
        if (isDryRun) continue;
        await storage.setAside(key);
        counts.setAside += 1;
      }
    };

    const lookAtAside = async (tenant: TenantId, objects: readonly StoredObject[]): Promise<void> => {
      const due = objects.filter((object) => ageMs(object) >= ASIDE_MS);
      if (due.length === 0 || isDryRun) return;
      const { referenced, oldestPendingAt } = await references.of(tenant, due.map(keyOf));
      for (const { key, size, storedAt } of due) {
        signal.throwIfAborted();
        const lastPut = storedAt.getTime() + COMMIT_LAG_MS;
        if (referenced.has(key)) {
          await storage.restore(key);
          counts.restored += 1;
        } else if (oldestPendingAt === null || oldestPendingAt.getTime() > lastPut) {
          await storage.removeAside(key);
          counts.removed += 1;
          counts.removedBytes += size;
        }
      }
    };

    const sweep = async (): Promise<void> => {
      const begin = parse(await positions.read(JOB));
      for (const tenant of await references.tenants()) {
        if (begin !== null && tenant < tenantOf(begin)) continue;
        for (const area of AREAS) {
          const isBegun = begin !== null && tenant === tenantOf(begin);
          if (isBegun && AREAS.indexOf(area) < AREAS.indexOf(begin.area)) continue;
          let after = isBegun && area === begin.area ? begin.key : null;
          do {
            signal.throwIfAborted();
            if (counts.lookedAt >= mostPerRun) return;
            const page = await storage.list({ area, tenant, after, limit: PAGE });
            await (area === 'stored' ? lookAtStored : lookAtAside)(tenant, page.objects);
            counts.lookedAt += page.objects.length;
            const last = page.objects.at(-1)?.key;
            if (last !== undefined) await positions.save(JOB, `${area} ${last}`);
            after = page.after;
          } while (after !== null);
        }
      }
      await positions.save(JOB, null);
    };

    try {
      await sweep();
    } finally {
      const results = { looked_at: counts.lookedAt, unreferenced: counts.unreferenced } as const;
      const changes = { set_aside: counts.setAside, restored: counts.restored, removed: counts.removed };
      for (const [result, count] of Object.entries({ ...results, ...changes }))
        metrics.storageObjects.inc({ result }, count);
      metrics.storageBytes.inc({ result: 'unreferenced' }, counts.unreferencedBytes);
      metrics.storageBytes.inc({ result: 'removed' }, counts.removedBytes);
    }
    return { ...counts, dryRun: isDryRun ? 1 : 0 };
  };
}

function keyOf({ key }: StoredObject): string {
  return key;
}

function tenantOf({ key }: Position): string {
  return key.slice(0, key.indexOf('/'));
}

function parse(position: string | null): Position | null {
  const [, area, key] = /^(aside|stored) (\S+)$/.exec(position ?? '') ?? [];
  return (area === 'aside' || area === 'stored') && key !== undefined ? { area, key } : null;
}
