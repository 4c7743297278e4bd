/**
 * Slots shared by owners: each owner's items run in the order in which they came, at most `perOwner` at a time, and owners take turns,
 * so that neither a long line nor slow items of one keep another waiting.
 */
export interface FairTurns<Item> {
  add(owner: string, item: Item): void;
  /** The next item that may run; it has a slot until `finish`. */
  take(): Item | undefined;
  finish(owner: string): void;
  /** Slots in use. */
  running(): number;
  /** Items that have not begun are forgotten. */
  clear(): void;
}

interface Line<Item> {
  readonly items: Item[];
  running: number;
  isQueued: boolean;
}

export function createFairTurns<Item>(total: number, perOwner: number): FairTurns<Item> {
  const lines = new Map<string, Line<Item>>();
  /** Owners that have an item and may begin one, in the order of their turns. */
  const turns: string[] = [];
  let running = 0;

  const queue = (owner: string, line: Line<Item>): void => {
    if (line.isQueued || line.items.length === 0 || line.running >= perOwner) return;
    line.isQueued = true;
    turns.push(owner);
  };

  return {
    add: (owner, item) => {
      const line = lines.get(owner) ?? { items: [], running: 0, isQueued: false };
      lines.set(owner, line);
      line.items.push(item);
      queue(owner, line);
    },
    take: () => {
      if (running >= total) return undefined;
      const owner = turns.shift();
      const line = owner === undefined ? undefined : lines.get(owner);
      if (owner === undefined || line === undefined) return undefined;
      line.isQueued = false;
      const item = line.items.shift();
      if (item === undefined) return undefined;
      line.running += 1;
      running += 1;
      queue(owner, line);
      return item;
    },
    finish: (owner) => {
      const line = lines.get(owner);
      if (line === undefined) return;
      line.running -= 1;
      running -= 1;
      if (line.running === 0 && line.items.length === 0) lines.delete(owner);
      else queue(owner, line);
    },
    running: () => running,
    clear: () => {
      turns.length = 0;
      for (const [owner, line] of lines) {
        line.items.length = 0;
        line.isQueued = false;
        if (line.running === 0) lines.delete(owner);
      }
    },
  };
}
