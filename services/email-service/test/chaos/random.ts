/** Random numbers from one seed, so that a schedule comes again. */

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** Whole, both ends included. */
  between(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  /** A generator of its own: what one part draws does not change what another gets. */
  fork(name: string): Random;
}

export function seeded(seed: number): Random {
  // mulberry32: 32 bits of state, good enough for choosing faults.
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (from) => {
      const chosen = from[Math.floor(next() * from.length)];
      if (chosen === undefined) throw new Error('nothing to pick from');
      return chosen;
    },
    fork: (name) =>
      seeded(Array.from(name).reduce((hash, char) => Math.imul(hash, 31) + char.charCodeAt(0), seed)),
  };
}
