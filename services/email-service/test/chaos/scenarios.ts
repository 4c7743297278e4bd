/** Short directed schedules: each makes one kind of damage show itself if the product lets it happen, and is clean if not. */
import type { ScheduledFault } from './schedule.ts';
import type { Size } from './world.ts';

export type ScenarioName =
  | 'killed before the commit'
  | 'killed after the commit'
  | 'killed after the publish'
  | 'refused appends'
  | 'redis emptied'
  | 'workers away'
  | 'worker cut off'
  | 'workers killed'
  | 'daemon away'
  | 'owner frozen'
  | 'busy handover'
  | 'database cut off';

export interface Scenario {
  readonly size: Size;
  readonly windowMs: number;
  readonly messagesPerSecond: number;
  /** Nothing in it excuses a process that works without its lease. */
  readonly isUndisturbed: boolean;
  readonly schedule: readonly ScheduledFault[];
}

const ONE_DAEMON: Size = { tenants: 2, mailboxesPerTenant: 1, daemons: 1, workers: 1 };
const TWO_DAEMONS: Size = { tenants: 2, mailboxesPerTenant: 2, daemons: 2, workers: 1 };
const TWO_WORKERS: Size = { tenants: 2, mailboxesPerTenant: 1, daemons: 1, workers: 2 };

const CALM = { latencyMs: 0, jitterMs: 0, bytesPerSecond: null, isSliced: false } as const;

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  /** Messages are fetched and nothing of them is stored. */
  'killed before the commit': {
    size: ONE_DAEMON,
    windowMs: 5_000,
    messagesPerSecond: 12,
    isUndisturbed: true,
    schedule: [
      { atMs: 300, forMs: 8_000, fault: { kind: 'killAtStep', target: 'daemon-1', step: 'parsed' } },
    ],
  },
  /** Rows are stored and nothing is published. */
  'killed after the commit': {
    size: ONE_DAEMON,
    windowMs: 5_000,
    messagesPerSecond: 12,
    isUndisturbed: true,
    schedule: [
      { atMs: 300, forMs: 8_000, fault: { kind: 'killAtStep', target: 'daemon-1', step: 'committed' } },
    ],
  },
  /** Entries have no mark, and no worker has been at them yet: it settles the rows that have none. */
  'killed after the publish': {
    size: ONE_DAEMON,
    windowMs: 5_000,
    messagesPerSecond: 12,
    isUndisturbed: true,
    schedule: [
      { atMs: 300, forMs: 8_000, fault: { kind: 'killAtStep', target: 'daemon-1', step: 'published' } },
      { atMs: 0, forMs: 12_000, fault: { kind: 'freeze', target: 'worker-1' } },
    ],
  },
  /**
   * Entries are sent together, slowly and all the time, and now and then Redis is full for some of them. In short bursts: a daemon that
   * sees it pauses, and has nothing in flight any more.
   */
  'refused appends': {
    size: ONE_DAEMON,
    windowMs: 9_000,
    messagesPerSecond: 30,
    isUndisturbed: true,
    schedule: [
      {
        atMs: 200,
        forMs: 8_500,
        fault: {
          kind: 'weather',
          target: 'daemon-1→redis',
          weather: { ...CALM, bytesPerSecond: 120_000 },
        },
      },
      ...[1_500, 4_500, 7_500].map((atMs): ScheduledFault => ({
        atMs,
        forMs: 600,
        fault: { kind: 'flickeringRedis', target: 'redis' },
      })),
    ],
  },
  'redis emptied': {
    size: { ...ONE_DAEMON },
    windowMs: 5_000,
    messagesPerSecond: 12,
    isUndisturbed: true,
    schedule: [
      { atMs: 200, forMs: 5_000, fault: { kind: 'freeze', target: 'worker-1' } },
      { atMs: 3_000, forMs: 0, fault: { kind: 'emptyRedis', target: 'redis' } },
    ],
  },
  'workers away': {
    size: ONE_DAEMON,
    windowMs: 5_000,
    messagesPerSecond: 12,
    isUndisturbed: true,
    schedule: [{ atMs: 200, forMs: 5_000, fault: { kind: 'freeze', target: 'worker-1' } }],
  },
  /** It has done its work and cannot say so: another one takes the entries over. */
  'worker cut off': {
    size: TWO_WORKERS,
    windowMs: 8_000,
    messagesPerSecond: 25,
    isUndisturbed: true,
    schedule: [
      {
        atMs: 0,
        forMs: 3_000,
        fault: { kind: 'weather', target: 'worker-1→postgres', weather: { ...CALM, latencyMs: 150 } },
      },
      {
        atMs: 1_500,
        forMs: 5_000,
        fault: { kind: 'blackHole', target: 'worker-1→redis', scope: 'all', then: 'goOn' },
      },
    ],
  },
  'workers killed': {
    size: TWO_WORKERS,
    windowMs: 6_000,
    messagesPerSecond: 25,
    isUndisturbed: true,
    schedule: [
      ...['worker-1→postgres', 'worker-2→postgres'].map((target): ScheduledFault => ({
        atMs: 0,
        forMs: 6_000,
        fault: { kind: 'weather', target, weather: { ...CALM, latencyMs: 200 } },
      })),
      { atMs: 2_000, forMs: 200, fault: { kind: 'kill', target: 'worker-1' } },
      { atMs: 3_000, forMs: 200, fault: { kind: 'kill', target: 'worker-2' } },
      { atMs: 4_500, forMs: 200, fault: { kind: 'kill', target: 'worker-1' } },
    ],
  },
  /** More comes than one batch holds, and a person reads all of it. */
  'daemon away': {
    size: ONE_DAEMON,
    windowMs: 6_000,
    messagesPerSecond: 25,
    isUndisturbed: true,
    schedule: [
      { atMs: 1_000, forMs: 3_500, fault: { kind: 'kill', target: 'daemon-1' } },
      { atMs: 4_000, forMs: 0, fault: { kind: 'readMail', target: 'dovecot' } },
    ],
  },
  /** Stopped between fetch and commit for longer than its lease, then it goes on where it was. */
  'owner frozen': {
    size: TWO_DAEMONS,
    windowMs: 11_000,
    messagesPerSecond: 15,
    isUndisturbed: false,
    schedule: [
      { atMs: 200, forMs: 5_500, fault: { kind: 'freezeAtStep', target: 'daemon-1', step: 'stored:2' } },
    ],
  },
  /** The second daemon comes back when the first has work in hand, and gets half of the mailboxes. */
  'busy handover': {
    size: TWO_DAEMONS,
    windowMs: 10_000,
    messagesPerSecond: 30,
    isUndisturbed: true,
    schedule: [
      { atMs: 100, forMs: 4_000, fault: { kind: 'kill', target: 'daemon-2' } },
      ...['imap-0', 'imap-1'].map((target): ScheduledFault => ({
        atMs: 200,
        forMs: 9_000,
        fault: { kind: 'weather', target, weather: { ...CALM, bytesPerSecond: 40_000 } },
      })),
    ],
  },
  /** Every renewal of the first daemon fails at once, for longer than its leases last. */
  'database cut off': {
    size: TWO_DAEMONS,
    windowMs: 9_000,
    messagesPerSecond: 10,
    isUndisturbed: true,
    schedule: [
      {
        atMs: 1_000,
        forMs: 6_500,
        fault: { kind: 'refuseLink', target: 'daemon-1→postgres' },
      },
    ],
  },
};
