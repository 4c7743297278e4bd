import type { TenantId } from '../domain/ids.ts';

/**
 * Bounds how many refreshes run at once: each holds a database connection while it waits for somebody else's server. No
 * tenant gets all places, so that one with a slow provider does not make the others wait.
 */
export interface RefreshGate {
  /** Runs `work` when there is a place, in the order of asking within a tenant; settles as `work` does. */
  run<T>(tenant: TenantId, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly tenant: TenantId;
  readonly start: () => void;
}

export function createRefreshGate(limits: {
  readonly total: number;
  readonly perTenant: number;
}): RefreshGate {
  const running = new Map<TenantId, number>();
  const waiting: Waiting[] = [];
  let total = 0;

  const hasPlace = (tenant: TenantId): boolean =>
    total < limits.total && (running.get(tenant) ?? 0) < limits.perTenant;

  function count(tenant: TenantId, change: 1 | -1): void {
    total += change;
    const now = (running.get(tenant) ?? 0) + change;
    if (now === 0) running.delete(tenant);
    else running.set(tenant, now);
  }

  function startNext(): void {
    const index = waiting.findIndex(({ tenant }) => hasPlace(tenant));
    if (index === -1) return;
    const [next] = waiting.splice(index, 1);
    next?.start();
  }

  return {
    async run(tenant, work) {
      if (hasPlace(tenant)) count(tenant, 1);
      else {
        await new Promise<void>((resolve) => {
          waiting.push({
            tenant,
            start: () => {
              count(tenant, 1);
              resolve();
            },
          });
        });
      }
      try {
        return await work();
      } finally {
        count(tenant, -1);
        startNext();
      }
    },
  };
}
