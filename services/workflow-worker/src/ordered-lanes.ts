/**
 * Runs tasks of one lane one after the other, in the order in which they came, and different lanes side by side, at most
 * `concurrency` at a time. A lane that waits holds no slot. Lanes take turns: a long one cannot starve the others.
 */
export interface OrderedLanes {
  /** Never rejects and never runs the task at once. `task` handles its own errors; one that throws breaks the process. */
  add(lane: string, task: () => Promise<void>): void;
  /** Tasks that run or wait. */
  size(): number;
  /** Tasks that have not begun are forgotten. */
  clear(): void;
  /** Resolves when no task runs or waits. */
  whenIdle(): Promise<void>;
  /** Resolves when fewer than `limit` tasks run or wait. */
  whenBelow(limit: number): Promise<void>;
}

export function createOrderedLanes(concurrency: number): OrderedLanes {
  const waiting = new Map<string, (() => Promise<void>)[]>();
  /** Lanes with tasks of which none runs, in the order of their turns. */
  const ready: string[] = [];
  const busy = new Set<string>();
  let size = 0;
  let watchers: { limit: number; resolve: () => void }[] = [];

  const settle = (): void => {
    const met = watchers.filter(({ limit }) => size < limit);
    watchers = watchers.filter(({ limit }) => size >= limit);
    for (const { resolve } of met) resolve();
  };
  const finish = (lane: string): void => {
    size -= 1;
    busy.delete(lane);
    if (waiting.has(lane)) ready.push(lane);
    settle();
    next();
  };
  const next = (): void => {
    while (busy.size < concurrency) {
      const lane = ready.shift();
      if (lane === undefined) return;
      const tasks = waiting.get(lane) ?? [];
      const task = tasks.shift();
      if (tasks.length === 0) waiting.delete(lane);
      if (task === undefined) continue;
      busy.add(lane);
      // Not caught on purpose: an error here is a bug of ours and must end the process, not vanish.
      void Promise.resolve()
        .then(task)
        .finally(() => finish(lane));
    }
  };
  const whenBelow = (limit: number): Promise<void> =>
    size < limit ? Promise.resolve() : new Promise((resolve) => watchers.push({ limit, resolve }));

  return {
    add: (lane, task) => {
      size += 1;
      const tasks = waiting.get(lane);
      if (tasks !== undefined) {
        tasks.push(task);
        return;
      }
      waiting.set(lane, [task]);
      if (!busy.has(lane)) ready.push(lane);
      next();
    },
    size: () => size,
    clear: () => {
      for (const tasks of waiting.values()) size -= tasks.length;
      waiting.clear();
      ready.length = 0;
      settle();
    },
    whenIdle: () => whenBelow(1),
    whenBelow,
  };
}
