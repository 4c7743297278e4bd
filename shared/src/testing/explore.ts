/**
 * Walks every world that a pure machine and its surroundings can reach, and looks whether each that must end can: tests of
 * machines describe the surroundings, this does the search. Worlds are compared by their JSON.
 */
export interface Surroundings<World, Move extends { readonly isOwn: boolean }> {
  readonly first: World;
  /** What may happen next. `isOwn`: replies and timers, which come without anybody's help. */
  moves(world: World): readonly Move[];
  /** @returns the next world, or the rule that the machine broke. */
  apply(move: Move): World | string;
  hasEnded(world: World): boolean;
  /** From here replies and timers alone must be enough to come to an end. */
  mustEnd(world: World): boolean;
}

export interface Exploration<World> {
  readonly worlds: readonly World[];
  readonly transitions: number;
  /** The first rule that was broken, with the way there; null when none was. */
  readonly violation: string | null;
}

export function explore<World, Move extends { readonly isOwn: boolean }>(
  surroundings: Surroundings<World, Move>,
): Exploration<World> {
  const seen = new Map<string, World>([[JSON.stringify(surroundings.first), surroundings.first]]);
  const ownEdges = new Map<string, string[]>();
  let transitions = 0;
  // A map may grow while it is walked.
  for (const [key, world] of seen) {
    const own: string[] = [];
    for (const move of surroundings.moves(world)) {
      transitions += 1;
      const result = surroundings.apply(move);
      if (typeof result === 'string')
        return { worlds: [...seen.values()], transitions, violation: `${result}: ${JSON.stringify(move)}` };
      const resultKey = JSON.stringify(result);
      if (move.isOwn) own.push(resultKey);
      if (!seen.has(resultKey)) seen.set(resultKey, result);
    }
    ownEdges.set(key, own);
  }
  const stuck = findStuck(surroundings, seen, ownEdges);
  return {
    worlds: [...seen.values()],
    transitions,
    violation: stuck === null ? null : `it never ends: ${stuck}`,
  };
}

function findStuck<World, Move extends { readonly isOwn: boolean }>(
  { hasEnded, mustEnd }: Surroundings<World, Move>,
  seen: ReadonlyMap<string, World>,
  ownEdges: ReadonlyMap<string, readonly string[]>,
): string | null {
  const ends = new Set([...seen].filter(([, world]) => hasEnded(world)).map(([key]) => key));
  for (let grew = true; grew;) {
    grew = false;
    for (const [key, targets] of ownEdges) {
      if (ends.has(key) || !targets.some((target) => ends.has(target))) continue;
      ends.add(key);
      grew = true;
    }
  }
  return [...seen].find(([key, world]) => mustEnd(world) && !ends.has(key))?.[0] ?? null;
}
