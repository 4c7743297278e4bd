/**
 * Writes to providers' rows, each for itself or those of a moment together:
 *
 *     call ──▶ alone at this moment ────────────────────────────────────────▶ a statement of its own, which waits for its row
 *          └─▶ others of its tenant too ──▶ one statement, SKIP LOCKED ──┬──▶ written
 *                                                                       └──▶ its row is locked, or not its own any more: as if alone
 *
 * What always holds: a statement for many never waits for a row (as in pg-lease-store.ts): a transaction that hangs on one provider holds
 * up that one alone. What PostgreSQL refuses for one (a server's capabilities may hold what jsonb does not) fails for that one alone.
 */
import { gatherPerTenant, type GatherLimits } from '@mailstream/shared/db/gather';
import { CommitUnknownError } from '@mailstream/shared/db/database-faults';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';

/** How a statement meets a row that another transaction has locked; to be written behind its `FOR UPDATE`. */
export type AtLock = 'SKIP LOCKED' | '';

interface Write {
  readonly tenant: TenantId;
  readonly id: ProviderId;
}

/**
 * @param perform one statement for writes to different providers; gives the answers of those rows that it found and locked
 * @returns resolves to null where the row is not the writer's any more
 */
export function gatherUnlocked<Item extends Write, Answer>(
  perform: (
    tenant: TenantId,
    items: readonly Item[],
    atLock: AtLock,
  ) => Promise<ReadonlyMap<ProviderId, Answer>>,
  limits: GatherLimits,
): (item: Item) => Promise<Answer | null> {
  const together = gatherPerTenant<Item, Answer | null>(async (tenant, items) => {
    if (items.length === 1) return [null];
    // A statement changes a row once.
    const firsts = new Map<ProviderId, Item>();
    for (const item of items) if (!firsts.has(item.id)) firsts.set(item.id, item);
    const answers = await perform(tenant, [...firsts.values()], 'SKIP LOCKED');
    return items.map((item) => (firsts.get(item.id) === item ? (answers.get(item.id) ?? null) : null));
  }, limits);
  return async (item) => {
    const answer = await together(item).catch((error: unknown) => {
      // Not of these rows; alone it would go the same way.
      if (error instanceof FaultError || error instanceof CommitUnknownError) throw error;
      return null;
    });
    return answer ?? (await perform(item.tenant, [item], '')).get(item.id) ?? null;
  };
}
