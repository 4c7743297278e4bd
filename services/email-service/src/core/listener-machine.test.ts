/**
 * Explores every reachable state of the listener machine: replies, faults, deadlines, hints, changes of settings and stops in any
 * order, with ghosts of older sessions. Then proves that the exploration sees: broken machines are caught.
 */
import { describe, expect, it } from 'vitest';
import { explore, type Exploration } from '@mailstream/shared/testing/explore';
import type { Fault, FaultKind } from '@mailstream/shared/domain/fault';
import { STABLE_CONNECTION_MS } from './listener-endings.ts';
import { listenerTimer, nextListener } from './listener-machine.ts';
import { NO_ATTEMPTS, type ListenerEvent, type ListenerState, type ListenerStep } from './listener-states.ts';

type Next = (state: ListenerState, event: ListenerEvent) => ListenerStep;

interface World {
  readonly listener: ListenerState;
  /** Sessions opened and not ended, with the work under way in each. */
  readonly live: Readonly<Record<number, 'connecting' | 'opening' | 'pass' | 'watch' | 'nothing'>>;
  readonly ending: readonly number[];
  /** Requested and not returned. */
  readonly turn: number | null;
  readonly sessions: number;
  readonly isStopAsked: boolean;
  readonly isFenced: boolean;
}

interface Move {
  readonly event: ListenerEvent;
  readonly isOwn: boolean;
  readonly world: World;
}

const MAX_SESSIONS = 3;
const KINDS: readonly FaultKind[] = [
  'transient',
  'throttled',
  'auth',
  'folderGone',
  'misconfigured',
  'fenced',
  'bug',
];
const fault = (kind: FaultKind): Fault => ({ kind, code: 'X', detail: 'x' });

function moves(world: World): Move[] {
  const list: Move[] = [];
  const add = (event: ListenerEvent, isOwn: boolean, change: Partial<World> = {}): void =>
    void list.push({ event, isOwn, world: { ...world, ...change } });
  const timer = listenerTimer(world.listener);
  if (world.listener.kind === 'idle') add({ kind: 'start' }, false);
  if (world.listener.kind === 'queued') add({ kind: 'turnCame', session: world.listener.session }, true);
  add({ kind: 'yield' }, false);
  for (let session = 1; session <= world.sessions; session += 1) {
    const work = world.live[session];
    const idle = { live: { ...world.live, [session]: 'nothing' as const } };
    // Ghosts too: a session that has ended may still say anything, but only a live one finishes work.
    if (work === 'connecting') add({ kind: 'connected', session }, true, idle);
    if (work === 'opening') add({ kind: 'opened', session }, true, idle);
    if (work === 'pass') {
      add({ kind: 'passDone', session, more: false, heldBy: null }, true, idle);
      add({ kind: 'passDone', session, more: true, heldBy: null }, true, idle);
      add({ kind: 'passDone', session, more: true, heldBy: 'STREAM_FULL' }, true, idle);
    }
    if (work === 'watch') add({ kind: 'watchDue', session }, true, idle);
    if (work === undefined) {
      add({ kind: 'connected', session }, false);
      add({ kind: 'opened', session }, false);
      add({ kind: 'passDone', session, more: true, heldBy: null }, false);
    }
    add({ kind: 'changed', session }, false);
    for (const kind of KINDS)
      add(
        { kind: 'fault', session, fault: fault(kind), livedMs: 0 },
        kind === 'transient' && work !== undefined,
        work === undefined ? {} : idle,
      );
    add({ kind: 'deadline', session }, timer === 'deadline');
    if (world.ending.includes(session)) {
      const live = { ...world.live };
      delete live[session];
      const ended = { live, ending: world.ending.filter((other) => other !== session) };
      add({ kind: 'ended', session }, true, ended);
      if (timer === 'deadline') add({ kind: 'closeDeadline', session }, true, ended);
    }
  }
  if (timer === 'retry' && world.sessions < MAX_SESSIONS) add({ kind: 'retryDue' }, true);
  if (timer === 'recheck' && world.sessions < MAX_SESSIONS) add({ kind: 'recheckDue' }, true);
  if (world.sessions < MAX_SESSIONS) {
    add({ kind: 'configChanged' }, false);
    add({ kind: 'poke' }, false);
  }
  add({ kind: 'drain' }, false, { isStopAsked: true });
  add({ kind: 'abort' }, false, { isStopAsked: true });
  return list;
}

function apply(next: Next, move: Move): World | string {
  const before = move.world.listener;
  const { state, effects } = next(before, move.event);
  let world: World = { ...move.world, listener: state };
  const setWork = (session: number, work: World['live'][number]): void => {
    world = { ...world, live: { ...world.live, [session]: work } };
  };
  for (const effect of effects) {
    switch (effect.kind) {
      case 'requestTurn':
        if (world.turn !== null) return 'a second turn is asked for';
        if (world.isStopAsked) return 'a turn is asked for after a stop was asked';
        if (effect.session > MAX_SESSIONS)
          return { ...world, listener: { kind: 'stopped' }, live: {}, ending: [], turn: null };
        world = { ...world, turn: effect.session };
        break;
      case 'returnTurn':
        if (world.turn === null) return 'a turn is returned that was not asked for';
        if (Object.keys(world.live).length > 0) return 'a turn is returned while its connection lives';
        world = { ...world, turn: null };
        break;
      case 'openSession':
        if (world.turn !== effect.session) return 'a connection without a turn';
        if (Object.keys(world.live).length > 0) return 'two live sessions';
        if (effect.session <= world.sessions) return 'a session number is used again';
        if (world.isStopAsked) return 'a new session after a stop was asked';
        world = { ...world, sessions: effect.session };
        setWork(effect.session, 'connecting');
        break;
      case 'openFolder':
        if (world.live[effect.session] !== 'nothing') return 'a folder opened while something is under way';
        setWork(effect.session, 'opening');
        break;
      case 'runPass':
        // A watch under way is ended by the runner before the pass begins.
        if (!['nothing', 'watch'].includes(world.live[effect.session] ?? '')) return 'two passes at once';
        if (world.isStopAsked) return 'a pass begun after a stop was asked';
        setWork(effect.session, 'pass');
        break;
      case 'watch':
        if (world.live[effect.session] !== 'nothing') return 'a watch while something is under way';
        if (world.isStopAsked) return 'a watch begun after a stop was asked';
        setWork(effect.session, 'watch');
        break;
      case 'endSession':
        if (world.live[effect.session] === undefined) return 'a session ended that is not live';
        world = { ...world, ending: [...new Set([...world.ending, effect.session])] };
        break;
      case 'reportFenced':
        world = { ...world, isFenced: true };
        break;
      default:
        break;
    }
  }
  if (state.kind === 'stopped' && Object.keys(world.live).length > 0) return 'stopped with a live session';
  if (['stopped', 'backingOff', 'parked'].includes(state.kind) && world.turn !== null)
    return `${state.kind} with a turn`;
  if (state.kind === 'stopped' && listenerTimer(state) !== null) return 'stopped with a timer';
  if (before.kind === 'stopped' && state.kind !== 'stopped') return 'stopped is left';
  if (
    'session' in move.event &&
    move.world.live[move.event.session] === undefined &&
    state !== before &&
    move.event.kind !== 'ended' &&
    move.event.kind !== 'turnCame' &&
    move.event.kind !== 'closeDeadline'
  )
    return 'a ghost of an older session changed something';
  if (['backingOff', 'parked'].includes(state.kind) && Object.keys(world.live).length > 0)
    return 'waiting with a live session';
  return world;
}

function exploreListener(next: Next): Exploration<World> {
  return explore<World, Move>({
    first: {
      listener: { kind: 'idle' },
      live: {},
      ending: [],
      turn: null,
      sessions: 0,
      isStopAsked: false,
      isFenced: false,
    },
    moves,
    apply: (move) => apply(next, move),
    hasEnded: (world) => world.listener.kind === 'stopped',
    mustEnd: (world) => world.isStopAsked,
  });
}

/** The whole vocabulary, also what the surroundings would never say in this state. */
const EVERY_EVENT: readonly ListenerEvent[] = [
  { kind: 'start' },
  { kind: 'yield' },
  { kind: 'retryDue' },
  { kind: 'recheckDue' },
  { kind: 'configChanged' },
  { kind: 'poke' },
  { kind: 'drain' },
  { kind: 'abort' },
  ...[1, 2].flatMap((session): ListenerEvent[] => [
    { kind: 'turnCame', session },
    { kind: 'connected', session },
    { kind: 'opened', session },
    { kind: 'passDone', session, more: true, heldBy: null },
    { kind: 'passDone', session, more: false, heldBy: 'STREAM_FULL' },
    { kind: 'changed', session },
    { kind: 'watchDue', session },
    ...KINDS.map((kind) => ({ kind: 'fault' as const, session, fault: fault(kind), livedMs: 0 })),
    { kind: 'fault', session, fault: fault('transient'), livedMs: STABLE_CONNECTION_MS },
    { kind: 'deadline', session },
    { kind: 'ended', session },
    { kind: 'closeDeadline', session },
  ]),
];

describe('listener machine', () => {
  const explored = exploreListener(nextListener);

  it('keeps its promises in every reachable state', () => {
    const { worlds, violation } = explored;
    expect(violation).toBeNull();
    expect(worlds.length).toBeGreaterThan(150);
    expect(new Set(worlds.map(({ listener }) => listener.kind))).toEqual(
      new Set([
        'backingOff',
        'closing',
        'connecting',
        'draining',
        'idle',
        'opening',
        'parked',
        'queued',
        'stopped',
        'syncing',
        'watching',
      ]),
    );
  });

  it('answers every event in every state that it can reach; what makes no sense there changes nothing', () => {
    const states = new Map(explored.worlds.map(({ listener }) => [JSON.stringify(listener), listener]));
    const pairs = new Set<string>();
    const wrong: string[] = [];
    for (const [name, before] of states)
      for (const event of EVERY_EVENT) {
        const { state, effects, unexpected } = nextListener(before, event);
        pairs.add(`${before.kind} ${event.kind}`);
        if (unexpected && (state !== before || effects.length > 0))
          wrong.push(`${name} ${JSON.stringify(event)}`);
      }
    expect(wrong).toEqual([]);
    expect(pairs.size).toBe(11 * 18);
  });

  it('looks again after a pass during which something changed', () => {
    const syncing: ListenerState = {
      kind: 'syncing',
      session: 1,
      attempts: NO_ATTEMPTS,
      dirty: false,
      yields: false,
    };
    const dirty = nextListener(syncing, { kind: 'changed', session: 1 }).state;
    expect(nextListener(dirty, { kind: 'passDone', session: 1, more: false, heldBy: null }).effects).toEqual([
      { kind: 'runPass', session: 1 },
    ]);
  });

  it('gives its connection to those that wait when the pass in hand has ended, whatever is left to do', () => {
    const syncing: ListenerState = {
      kind: 'syncing',
      session: 1,
      attempts: NO_ATTEMPTS,
      dirty: true,
      yields: false,
    };
    const yields = nextListener(syncing, { kind: 'yield' }).state;
    const { state, effects } = nextListener(yields, {
      kind: 'passDone',
      session: 1,
      more: true,
      heldBy: null,
    });
    expect(state).toMatchObject({ kind: 'closing', then: { kind: 'connecting' } });
    expect(effects).toContainEqual({ kind: 'endSession', session: 1, how: 'gracefully' });
  });

  it('watches after a pass that was held, however much there is to do, and looks when it is told to', () => {
    const syncing: ListenerState = {
      kind: 'syncing',
      session: 1,
      attempts: NO_ATTEMPTS,
      dirty: true,
      yields: false,
    };
    const held = nextListener(syncing, { kind: 'passDone', session: 1, more: true, heldBy: 'STREAM_FULL' });
    expect(held.state).toEqual({
      kind: 'watching',
      session: 1,
      attempts: NO_ATTEMPTS,
      heldBy: 'STREAM_FULL',
    });
    expect(held.effects).toEqual([{ kind: 'watch', session: 1 }]);
    expect(nextListener(held.state, { kind: 'poke' }).effects).toEqual([{ kind: 'runPass', session: 1 }]);
  });

  it('starts the back-off anew only after a connection that lived a minute', () => {
    const watching: ListenerState = {
      kind: 'watching',
      session: 3,
      attempts: { server: 4, stores: 0, settings: 0 },
      heldBy: null,
    };
    const after = (livedMs: number): ListenerState =>
      nextListener(watching, { kind: 'fault', session: 3, fault: fault('transient'), livedMs }).state;
    expect(after(STABLE_CONNECTION_MS - 1)).toMatchObject({ kind: 'closing', attempts: { server: 5 } });
    expect(after(STABLE_CONNECTION_MS)).toMatchObject({ kind: 'closing', attempts: { server: 1 } });
  });

  it('counts the faults of our own stores apart, and ends their count with a pass that went through', () => {
    const lost: Fault = { kind: 'transient', code: 'DATABASE_UNAVAILABLE', detail: 'x' };
    const syncing: ListenerState = {
      kind: 'syncing',
      session: 3,
      attempts: { server: 4, stores: 1, settings: 0 },
      dirty: false,
      yields: false,
    };
    const closing = nextListener(syncing, { kind: 'fault', session: 3, fault: lost, livedMs: 0 }).state;
    expect(closing).toMatchObject({ attempts: { server: 4, stores: 2, settings: 0 } });
    expect(nextListener(closing, { kind: 'ended', session: 3 }).effects).toContainEqual({
      kind: 'armRetry',
      attempt: 2,
      notBeforeMs: 0,
    });
    const passDone = (heldBy: string | null): ListenerState =>
      nextListener(syncing, { kind: 'passDone', session: 3, more: false, heldBy }).state;
    expect(passDone(null)).toMatchObject({ attempts: { server: 4, stores: 0, settings: 0 } });
    expect(passDone('REDIS_FULL')).toMatchObject({ attempts: { server: 4, stores: 1, settings: 0 } });
  });

  it.each([
    ['transient', 'backingOff'],
    ['throttled', 'backingOff'],
    ['auth', 'parked'],
    ['folderGone', 'backingOff'],
    ['misconfigured', 'backingOff'],
    ['fenced', 'stopped'],
    ['bug', 'backingOff'],
  ] as const)('a fault of kind %s leads to %s', (kind, then) => {
    const opening: ListenerState = { kind: 'opening', session: 1, attempts: NO_ATTEMPTS };
    expect(
      nextListener(opening, { kind: 'fault', session: 1, fault: fault(kind), livedMs: 0 }).state,
    ).toMatchObject({ kind: 'closing', then: { kind: then } });
  });

  it.each(['folderGone', 'misconfigured'] as const)(
    'a fault of kind %s is looked at twice more before the folder is parked, and then ever more seldom',
    (kind) => {
      const effects = (settings: number): readonly unknown[] => {
        const opening: ListenerState = {
          kind: 'opening',
          session: 1,
          attempts: { server: 9, stores: 0, settings },
        };
        const closing = nextListener(opening, { kind: 'fault', session: 1, fault: fault(kind), livedMs: 0 });
        return nextListener(closing.state, { kind: 'ended', session: 1 }).effects;
      };
      expect(effects(0)).toContainEqual({ kind: 'armRetry', attempt: 1, notBeforeMs: 0 });
      expect(effects(1)).toContainEqual({ kind: 'armRetry', attempt: 2, notBeforeMs: 0 });
      expect(effects(2)).toContainEqual({ kind: 'armRecheck', fault: fault(kind), attempt: 1 });
      expect(effects(4)).toContainEqual({ kind: 'armRecheck', fault: fault(kind), attempt: 3 });
    },
  );

  it('obeys the pause that a throttling server asks for', () => {
    const throttled: Fault = {
      kind: 'throttled',
      code: 'IMAP_THROTTLED',
      detail: 'x',
      retryAfterMs: 300_000,
    };
    const closing: ListenerState = {
      kind: 'closing',
      session: 1,
      attempts: { server: 1, stores: 4, settings: 0 },
      then: { kind: 'backingOff', fault: throttled },
    };
    expect(nextListener(closing, { kind: 'ended', session: 1 }).effects).toEqual([
      { kind: 'returnTurn' },
      { kind: 'armRetry', attempt: 1, notBeforeMs: 300_000 },
    ]);
  });

  const mutants: readonly [
    string,
    (state: ListenerState, event: ListenerEvent, step: ListenerStep) => ListenerStep,
  ][] = [
    [
      'connects again before the old session has ended',
      (state, event, step) =>
        state.kind === 'watching' && event.kind === 'fault' && event.session === state.session
          ? {
              ...step,
              state: { kind: 'connecting', session: state.session + 1, attempts: NO_ATTEMPTS },
              effects: [{ kind: 'openSession', session: state.session + 1 }],
            }
          : step,
    ],
    [
      'begins a second pass when the server hints at a change',
      (state, event, step) =>
        state.kind === 'syncing' && event.kind === 'changed' && event.session === state.session
          ? { ...step, effects: [{ kind: 'runPass', session: state.session }] }
          : step,
    ],
    [
      'forgets a stop while closing',
      (state, event, step) =>
        state.kind === 'closing' && (event.kind === 'drain' || event.kind === 'abort')
          ? { ...step, state }
          : step,
    ],
    [
      'lets new settings override a stop',
      (state, event, step) =>
        state.kind === 'closing' && event.kind === 'configChanged'
          ? { ...step, state: { ...state, then: { kind: 'connecting' } } }
          : step,
    ],
    [
      'is deaf to a drain while watching',
      (state, event, step) =>
        state.kind === 'watching' && event.kind === 'drain' ? { ...step, state, effects: [] } : step,
    ],
    [
      'listens to ghosts',
      (state, event, step) =>
        state.kind === 'connecting' && event.kind === 'connected' && event.session !== state.session
          ? { ...step, state: { kind: 'opening', session: state.session, attempts: NO_ATTEMPTS } }
          : step,
    ],
    [
      'leaves stopped again',
      (state, event, step) =>
        state.kind === 'stopped' && event.kind === 'poke' ? { ...step, state: { kind: 'idle' } } : step,
    ],
  ];
  it.each(mutants)('the exploration catches a machine that %s', (_name, mutate) => {
    const broken: Next = (state, event) => mutate(state, event, nextListener(state, event));
    expect(exploreListener(broken).violation).not.toBeNull();
  });
});
