/**
 * Explores every reachable state of the lease machine under an environment that may answer, time out, refuse, stop and
 * hand over in any order, and sends ghosts of older calls. Then proves that the exploration sees: broken machines are caught.
 */
import { describe, expect, it } from 'vitest';
import { explore, type Exploration } from '@mailstream/shared/testing/explore';
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
  if (move.world.lease.kind === 'stopped' && state.kind !== 'stopped') return 'stopped is left';
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

function exploreLease(next: Next): Exploration<World> {
  return explore<World, Move>({
    first: {
      lease: initialLease(),
      listeners: null,
      bids: [],
      releases: [],
      epoch: 0,
      isStopAsked: false,
    },
    moves,
    apply: (move) => apply(next, move),
    hasEnded: (world) => world.lease.kind === 'stopped',
    mustEnd: (world) => world.isStopAsked,
  });
}

/** The whole vocabulary, also what the surroundings would never say in this state. */
const EVERY_EVENT: readonly LeaseEvent[] = [
  { kind: 'bidDue' },
  { kind: 'noticed' },
  ...[1, 2].flatMap((call): LeaseEvent[] => [
    { kind: 'won', call, epoch: call, trustedUntilMs: TRUST, nowMs: 0 },
    { kind: 'won', call, epoch: call, trustedUntilMs: TRUST, nowMs: TRUST },
    { kind: 'taken', call },
    { kind: 'bidFailed', call },
    { kind: 'released', call },
    { kind: 'releaseFailed', call },
  ]),
  ...[1, 2].flatMap((epoch): LeaseEvent[] => [
    { kind: 'renewed', epoch, trustedUntilMs: TRUST },
    { kind: 'refused', epoch },
    { kind: 'fenced', epoch },
    { kind: 'quiet', epoch },
  ]),
  { kind: 'renewDue', nowMs: 0 },
  { kind: 'renewDue', nowMs: TRUST },
  { kind: 'trustExpired', nowMs: 0 },
  { kind: 'trustExpired', nowMs: TRUST },
  { kind: 'quietDeadline' },
  { kind: 'handover' },
  { kind: 'stop' },
];

describe('lease machine', () => {
  const explored = exploreLease(nextLease);

  it('keeps its promises in every reachable state', () => {
    const { worlds, violation } = explored;
    expect(violation).toBeNull();
    expect(worlds.length).toBeGreaterThan(300);
    expect(new Set(worlds.map(({ lease }) => lease.kind))).toEqual(
      new Set(['bidding', 'held', 'quiescing', 'releasing', 'stopped', 'vacant']),
    );
  });

  it('answers every event in every state that it can reach; what makes no sense there changes nothing', () => {
    const states = new Map(explored.worlds.map(({ lease }) => [JSON.stringify(lease), lease]));
    const pairs = new Set<string>();
    const wrong: string[] = [];
    for (const [name, before] of states)
      for (const event of EVERY_EVENT) {
        const { state, effects, unexpected } = nextLease(before, event);
        pairs.add(`${before.kind} ${event.kind}`);
        if (unexpected && (state !== before || effects.length > 0))
          wrong.push(`${name} ${JSON.stringify(event)}`);
      }
    expect(wrong).toEqual([]);
    expect(pairs.size).toBe(6 * 16);
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
    expect(exploreLease(broken).violation).not.toBeNull();
  });
});
