/**
 * Explores every reachable state of the lease machine under an environment that may answer, time out, refuse, stop and
 * hand over in any order, and sends ghosts of older calls. Then proves that the exploration sees: broken machines are caught.
 */
import { describe, expect, it } from 'vitest';
import {
  initialLease,
  leaseTimers,
  nextLease,
  type LeaseEvent,
  type LeaseState,
  type LeaseStep,
} from './lease-machine.ts';

type Next = (state: LeaseState, event: LeaseEvent) => LeaseStep;

interface World {
  readonly lease: LeaseState;
  readonly listeners: null | { readonly epoch: number; readonly mode: 'running' | 'draining' | 'aborting' };
  /** Acquire calls without an answer, the timed-out ones included: their "won" may still come. */
  readonly bids: readonly number[];
  readonly releases: readonly number[];
  readonly epoch: number;
  readonly isStopAsked: boolean;
}

const MAX_CALLS = 4;
const TRUST = 10;

interface Move {
  readonly event: LeaseEvent;
  readonly world: World;
  /** Replies and timers only: what must be enough to reach STOPPED once a stop was asked. */
  readonly isOwn: boolean;
}

function moves(world: World): Move[] {
  const timers = leaseTimers(world.lease);
  const list: Move[] = [];
  const add = (event: LeaseEvent, isOwn: boolean, change: Partial<World> = {}): void =>
    void list.push({ event, isOwn, world: { ...world, ...change } });
  if (timers.includes('bid') && world.lease.call < MAX_CALLS) add({ kind: 'bidDue' }, false);
  for (const call of world.bids) {
    const answered = { bids: world.bids.filter((other) => other !== call) };
    const epoch = world.epoch + 1;
    add({ kind: 'won', call, epoch, trustedUntilMs: TRUST, nowMs: 0 }, true, { ...answered, epoch });
    add({ kind: 'won', call, epoch, trustedUntilMs: TRUST, nowMs: TRUST }, true, { ...answered, epoch });
    add({ kind: 'taken', call }, true, answered);
    add({ kind: 'bidFailed', call }, true);
  }
  for (const call of world.releases) {
    const answered = { releases: world.releases.filter((other) => other !== call) };
    add({ kind: 'released', call }, true, answered);
    add({ kind: 'releaseFailed', call }, true, answered);
  }
  for (let epoch = 1; epoch <= world.epoch; epoch += 1) {
    add({ kind: 'renewed', epoch, trustedUntilMs: TRUST }, false);
    add({ kind: 'refused', epoch }, false);
    add({ kind: 'fenced', epoch }, false);
  }
  add({ kind: 'renewDue', nowMs: 0 }, false);
  add({ kind: 'renewDue', nowMs: TRUST }, false);
  if (timers.includes('trust')) add({ kind: 'trustExpired', nowMs: TRUST }, true);
  if (timers.includes('quiet')) add({ kind: 'quietDeadline' }, true);
  if (world.listeners !== null && world.listeners.mode !== 'running')
    add({ kind: 'quiet', epoch: world.listeners.epoch }, true, { listeners: null });
  add({ kind: 'noticed' }, false);
  add({ kind: 'handover' }, false);
  add({ kind: 'stop' }, false, { isStopAsked: true });
  return list;
}

/** @returns the next world, or the broken rule. */
function apply(next: Next, move: Move): World | string {
  const { state, effects } = next(move.world.lease, move.event);
  let world: World = { ...move.world, lease: state };
  for (const effect of effects) {
    switch (effect.kind) {
      case 'acquire':
        if (world.listeners !== null) return 'a bid while listeners live';
        world = { ...world, bids: [...world.bids, effect.call] };
        break;
      case 'release':
        if (world.listeners?.epoch === effect.epoch) return 'a release while listeners of the term live';
        world = { ...world, releases: [...world.releases, effect.call] };
        break;
      case 'startListeners':
        if (world.listeners !== null) return 'listeners started while others live';
        if (state.kind !== 'held') return 'listeners started without a trusted term';
        if (world.isStopAsked) return 'listeners started after a stop';
        world = { ...world, listeners: { epoch: effect.epoch, mode: 'running' } };
        break;
      case 'drainListeners':
        if (world.listeners?.mode === 'running')
          world = { ...world, listeners: { ...world.listeners, mode: 'draining' } };
        break;
      case 'abortListeners':
        if (world.listeners !== null)
          world = { ...world, listeners: { ...world.listeners, mode: 'aborting' } };
        break;
      case 'renew':
        if (state.kind !== 'held' && state.kind !== 'quiescing') return 'a renewal without a term';
        break;
      default:
        break;
    }
  }
  if (world.listeners !== null && state.kind !== 'held' && state.kind !== 'quiescing')
    return `listeners live in ${state.kind}`;
  if (
    move.event.kind === 'trustExpired' &&
    move.event.nowMs >= TRUST &&
    world.listeners !== null &&
    world.listeners.mode !== 'aborting'
  )
    return 'listeners go on after trust has ended';
  if (world.listeners?.mode === 'running' && state.kind !== 'held') return 'listeners run on in quiescing';
  if (
    state.kind === 'quiescing' &&
    state.ours !== 'yes' &&
    world.listeners !== null &&
    world.listeners.mode !== 'aborting'
  )
    return 'listeners drain politely although the row may be another’s';
  return world;
}

interface Exploration {
  readonly states: number;
  readonly kinds: ReadonlySet<LeaseState['kind']>;
  readonly violation: string | null;
}

function explore(next: Next): Exploration {
  const first: World = {
    lease: initialLease(),
    listeners: null,
    bids: [],
    releases: [],
    epoch: 0,
    isStopAsked: false,
  };
  const seen = new Map<string, World>([[JSON.stringify(first), first]]);
  const ownEdges = new Map<string, string[]>();
  const queue = [first];
  for (let world = queue.shift(); world !== undefined; world = queue.shift()) {
    const key = JSON.stringify(world);
    const own: string[] = [];
    for (const move of moves(world)) {
      const result = apply(next, move);
      if (typeof result === 'string')
        return {
          states: seen.size,
          kinds: new Set(),
          violation: `${result} (${JSON.stringify(move.event)} in ${key})`,
        };
      if (world.lease.kind === 'stopped' && result.lease.kind !== 'stopped')
        return { states: seen.size, kinds: new Set(), violation: 'stopped is left' };
      const resultKey = JSON.stringify(result);
      if (move.isOwn) own.push(resultKey);
      if (seen.has(resultKey)) continue;
      seen.set(resultKey, result);
      queue.push(result);
    }
    ownEdges.set(key, own);
  }
  return {
    states: seen.size,
    kinds: new Set([...seen.values()].map((world) => world.lease.kind)),
    violation: stuckAfterStop(seen, ownEdges),
  };
}

/** From every state in which a stop was asked, replies and timers alone must be able to reach STOPPED. */
function stuckAfterStop(
  seen: ReadonlyMap<string, World>,
  edges: ReadonlyMap<string, readonly string[]>,
): string | null {
  const reaches = new Set(
    [...seen].filter(([, world]) => world.lease.kind === 'stopped').map(([key]) => key),
  );
  for (let grew = true; grew;) {
    grew = false;
    for (const [key, targets] of edges) {
      if (reaches.has(key) || !targets.some((target) => reaches.has(target))) continue;
      reaches.add(key);
      grew = true;
    }
  }
  const stuck = [...seen].find(([key, world]) => world.isStopAsked && !reaches.has(key));
  return stuck === undefined ? null : `a stop does not end: ${stuck[0]}`;
}

describe('lease machine', () => {
  it('keeps its promises in every reachable state', () => {
    const { states, kinds, violation } = explore(nextLease);
    expect(violation).toBeNull();
    expect(states).toBeGreaterThan(300);
    expect([...kinds].sort()).toEqual(['bidding', 'held', 'quiescing', 'releasing', 'stopped', 'vacant']);
  });

  it('waits a whole ttl before it bids again after a handover', () => {
    const releasing: LeaseState = { kind: 'releasing', call: 2, epoch: 1, then: 'yielded' };
    expect(nextLease(releasing, { kind: 'released', call: 2 }).effects).toEqual([
      { kind: 'armBid', delay: 'afterTtl', attempt: 0 },
    ]);
  });

  it('gives back a term that came after its bid was given up', () => {
    const vacant: LeaseState = { kind: 'vacant', call: 1, attempt: 1 };
    const late = nextLease(vacant, { kind: 'won', call: 1, epoch: 7, trustedUntilMs: 10, nowMs: 0 });
    expect(late.effects).toEqual([{ kind: 'release', call: 1, epoch: 7 }]);
    expect(late.state).toEqual(vacant);
  });

  const mutants: readonly [string, (state: LeaseState, event: LeaseEvent, step: LeaseStep) => LeaseStep][] = [
    [
      'releases before the listeners are quiet',
      (state, event, step) =>
        state.kind === 'held' && event.kind === 'stop'
          ? { ...step, effects: [...step.effects, { kind: 'release', call: state.call, epoch: state.epoch }] }
          : step,
    ],
    [
      'goes straight to vacant when the lease is lost',
      (state, event, step) =>
        state.kind === 'held' && event.kind === 'refused' && event.epoch === state.epoch
          ? { ...step, state: { kind: 'vacant', call: state.call, attempt: 0 } }
          : step,
    ],
    [
      'forgets a stop while bidding',
      (state, event, step) => (state.kind === 'bidding' && event.kind === 'stop' ? { ...step, state } : step),
    ],
    [
      'ignores the end of trust',
      (state, event, step) => (event.kind === 'trustExpired' ? { ...step, state, effects: [] } : step),
    ],
    [
      'starts listeners under a term that came too late',
      (state, event, step) =>
        state.kind === 'bidding' &&
        event.kind === 'won' &&
        event.call === state.call &&
        event.nowMs >= event.trustedUntilMs
          ? { ...step, effects: [{ kind: 'startListeners', epoch: event.epoch }] }
          : step,
    ],
    [
      'drains instead of aborting when fenced',
      (state, event, step) =>
        state.kind === 'held' && event.kind === 'fenced' && event.epoch === state.epoch
          ? { ...step, effects: [{ kind: 'drainListeners' }] }
          : step,
    ],
    [
      'leaves stopped again',
      (state, event, step) =>
        state.kind === 'stopped' && event.kind === 'noticed' ? { ...step, state: initialLease() } : step,
    ],
    [
      'forgets a stop while releasing',
      (state, event, step) =>
        state.kind === 'releasing' && event.kind === 'stop' ? { ...step, state } : step,
    ],
  ];
  it.each(mutants)('the exploration catches a machine that %s', (_name, mutate) => {
    const broken: Next = (state, event) => mutate(state, event, nextLease(state, event));
    expect(explore(broken).violation).not.toBeNull();
  });
});
