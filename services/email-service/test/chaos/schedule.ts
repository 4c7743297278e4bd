/**
 * What goes wrong, when and for how long: drawn from one seed, printed before it happens. Pure.
 *
 * No two faults hit the same target at once; faults of different targets overlap freely.
 */
import type { Weather } from '@mailstream/shared/testing/tcp-pump';
import type { Random } from './random.ts';

export type Fault =
  | { readonly kind: 'kill'; readonly target: string }
  | { readonly kind: 'killAtStep'; readonly target: string; readonly step: string }
  | { readonly kind: 'freeze'; readonly target: string }
  /** Started anew; stops itself at a step and goes on when it is over. */
  | { readonly kind: 'freezeAtStep'; readonly target: string; readonly step: string }
  | { readonly kind: 'terminate'; readonly target: string }
  | { readonly kind: 'stepClock'; readonly target: string; readonly byMs: number }
  | { readonly kind: 'restartServer'; readonly target: ServerName }
  | { readonly kind: 'killServer'; readonly target: ServerName }
  | { readonly kind: 'fullRedis'; readonly target: 'redis' }
  /** Full and not full in turns, so that of commands sent together some are refused. */
  | { readonly kind: 'flickeringRedis'; readonly target: 'redis' }
  | { readonly kind: 'fullStorage'; readonly target: 'storage' }
  /** A person reads: every message gets \\Seen. */
  | { readonly kind: 'readMail'; readonly target: 'dovecot' }
  | { readonly kind: 'newUidValidity'; readonly target: 'dovecot'; readonly mailbox: number }
  /** An empty mailbox takes its place; then the old one is back, with what came meanwhile. */
  | { readonly kind: 'replaceMailbox'; readonly target: 'dovecot'; readonly mailbox: number }
  | { readonly kind: 'emptyRedis'; readonly target: 'redis' }
  | { readonly kind: 'cutRedisTail'; readonly target: 'redis'; readonly bytes: number }
  | { readonly kind: 'restorePostgres'; readonly target: 'postgres' }
  | { readonly kind: 'resetLink'; readonly target: string }
  | { readonly kind: 'endLink'; readonly target: string }
  | { readonly kind: 'refuseLink'; readonly target: string }
  | {
      readonly kind: 'blackHole';
      readonly target: string;
      readonly scope: 'open' | 'all';
      readonly then: 'goOn' | 'reset';
    }
  | { readonly kind: 'weather'; readonly target: string; readonly weather: Weather };

export type ServerName = 'postgres' | 'redis' | 'dovecot';
export type FaultKind = Fault['kind'];

export interface ScheduledFault {
  /** After the senders began. For `restorePostgres` the copy is taken at `atMs`, and set back `forMs` later. */
  readonly atMs: number;
  readonly forMs: number;
  readonly fault: Fault;
}

/** Faults after which a store has less than it confirmed. */
export const LOSSES: ReadonlySet<FaultKind> = new Set(['emptyRedis', 'cutRedisTail', 'restorePostgres']);

export interface ScheduleOptions {
  readonly random: Random;
  readonly windowMs: number;
  readonly leaseTtlMs: number;
  readonly daemons: readonly string[];
  readonly workers: readonly string[];
  readonly links: readonly string[];
  readonly mailboxes: number;
  readonly withLosses: boolean;
}

const STEPS = [
  'listed',
  'fetched',
  'fetched:3',
  'parsed',
  'parsed:4',
  'stored',
  'committed',
  'published',
  'marked',
];

export function drawSchedule(options: ScheduleOptions): readonly ScheduledFault[] {
  const { random, windowMs } = options;
  const wanted = Math.max(3, Math.round((windowMs / 1000) * (0.4 + 0.4 * random.next())));
  const busyUntil = new Map<string, number>();
  const faults: ScheduledFault[] = [];
  const starts = Array.from({ length: wanted }, () => random.between(200, Math.floor(windowMs * 0.85)));
  // In the order of time, so that "not twice at once" is one comparison.
  for (const atMs of starts.sort((a, b) => a - b)) {
    const scheduled = { atMs, ...drawFault(options) };
    if ((busyUntil.get(scheduled.fault.target) ?? 0) > atMs) continue;
    busyUntil.set(scheduled.fault.target, atMs + scheduled.forMs + 1_000);
    faults.push(scheduled);
  }
  if (options.withLosses && !faults.some(({ fault }) => LOSSES.has(fault.kind)))
    faults.push({ atMs: Math.floor(windowMs * 0.5), ...drawLoss(random, busyUntil, windowMs) });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Steps at which one daemon ends itself, start after start; in two of five schedules none. */
export function drawCrashPlans(random: Random, daemons: number): readonly (readonly string[])[] {
  const isCalm = random.next() < 0.4;
  return Array.from({ length: daemons }, () => {
    const count = isCalm ? 0 : random.between(0, 4);
    return Array.from(
      { length: count },
      () =>
        `${random.pick(['listed', 'fetched', 'parsed', 'stored', 'committed', 'published', 'marked'])}:${random.between(1, 12)}`,
    );
  });
}

function drawFault(options: ScheduleOptions): Omit<ScheduledFault, 'atMs'> {
  const { random, leaseTtlMs, daemons, workers, links } = options;
  const replica = random.next() < 0.7 ? random.pick(daemons) : random.pick(workers);
  const draw = random.next();
  if (draw < 0.14) return { fault: { kind: 'kill', target: replica }, forMs: random.between(100, 2_500) };
  if (draw < 0.24)
    return {
      fault: { kind: 'killAtStep', target: random.pick(daemons), step: random.pick(STEPS) },
      forMs: random.between(3_000, 6_000),
    };
  if (draw < 0.38) {
    const forMs = random.between(Math.floor(leaseTtlMs * 0.5), Math.floor(leaseTtlMs * 2.2));
    if (random.next() < 0.3) {
      const [target, step] = [random.pick(daemons), random.pick(STEPS)];
      return { fault: { kind: 'freezeAtStep', target, step }, forMs };
    }
    return { fault: { kind: 'freeze', target: replica }, forMs };
  }
  if (draw < 0.48) return { fault: { kind: 'terminate', target: replica }, forMs: random.between(0, 2_000) };
  if (draw < 0.54) {
    const byMs = random.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    return { fault: { kind: 'stepClock', target: replica, byMs }, forMs: random.between(2_000, 6_000) };
  }
  if (draw < 0.58) {
    const forMs = random.between(500, 4_000);
    const kind = random.pick(['fullRedis', 'flickeringRedis', 'fullStorage'] as const);
    return kind === 'fullStorage'
      ? { fault: { kind, target: 'storage' }, forMs }
      : { fault: { kind, target: 'redis' }, forMs };
  }
  if (draw < 0.6) return { fault: { kind: 'readMail', target: 'dovecot' }, forMs: 0 };
  if (draw < 0.64) {
    const mailbox = random.between(0, options.mailboxes - 1);
    return random.next() < 0.5
      ? { fault: { kind: 'newUidValidity', target: 'dovecot', mailbox }, forMs: random.between(0, 1_000) }
      : {
          fault: { kind: 'replaceMailbox', target: 'dovecot', mailbox },
          forMs: random.between(1_000, 4_000),
        };
  }
  if (draw < 0.7) {
    const target = random.pick(['postgres', 'redis', 'dovecot'] as const);
    const kind = random.pick(['restartServer', 'killServer'] as const);
    return { fault: { kind, target }, forMs: random.between(0, 2_500) };
  }
  if (options.withLosses && draw < 0.78) return drawLoss(random, new Map(), options.windowMs);
  return drawLinkFault(random, random.pick(links));
}

function drawLoss(
  random: Random,
  busyUntil: ReadonlyMap<string, number>,
  windowMs: number,
): Omit<ScheduledFault, 'atMs'> {
  const isFree = (target: string): boolean => (busyUntil.get(target) ?? 0) < windowMs * 0.5;
  const draw = random.next();
  if (draw < 0.4 && isFree('postgres'))
    return { fault: { kind: 'restorePostgres', target: 'postgres' }, forMs: random.between(1_000, 5_000) };
  if (draw < 0.7)
    return {
      fault: { kind: 'cutRedisTail', target: 'redis', bytes: random.between(1_000, 200_000) },
      forMs: random.between(0, 500),
    };
  return { fault: { kind: 'emptyRedis', target: 'redis' }, forMs: random.between(0, 500) };
}

function drawLinkFault(random: Random, target: string): Omit<ScheduledFault, 'atMs'> {
  const forMs = random.between(500, 6_000);
  const draw = random.next();
  if (draw < 0.15) return { fault: { kind: 'resetLink', target }, forMs: 0 };
  if (draw < 0.25) return { fault: { kind: 'endLink', target }, forMs: 0 };
  if (draw < 0.4) return { fault: { kind: 'refuseLink', target }, forMs };
  if (draw < 0.7) {
    const scope = random.pick(['open', 'all'] as const);
    const then = random.pick(['goOn', 'reset'] as const);
    return { fault: { kind: 'blackHole', target, scope, then }, forMs };
  }
  return { fault: { kind: 'weather', target, weather: drawWeather(random) }, forMs };
}

function drawWeather(random: Random): Weather {
  const calm: Weather = { latencyMs: 0, jitterMs: 0, bytesPerSecond: null, isSliced: false };
  switch (random.pick(['latency', 'slices', 'bandwidth'] as const)) {
    case 'latency':
      return { ...calm, latencyMs: random.between(20, 400), jitterMs: random.between(0, 400) };
    case 'slices':
      return { ...calm, isSliced: true };
    case 'bandwidth':
      return { ...calm, bytesPerSecond: random.between(4_000, 60_000) };
  }
}

/** One line for each fault. */
export function describeSchedule(faults: readonly ScheduledFault[]): readonly string[] {
  return faults.map(({ atMs, forMs, fault }) => {
    const { kind, target, ...rest } = fault;
    const details = Object.entries(rest)
      .map(([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
      .join('');
    return `+${(atMs / 1000).toFixed(2).padStart(6)} s  ${kind} ${target}${details}  for ${(forMs / 1000).toFixed(2)} s`;
  });
}
