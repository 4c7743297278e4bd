/** What one seed decides before anything runs: size of the world, and which faults it has how often (swarm testing). */
import { createRandom, type Random } from './random.ts';

/** Probability per call, unless it says otherwise. */
export interface FaultRates {
  /** The call has no effect and fails. */
  readonly refused: number;
  /** The call takes effect and its reply is an error. */
  readonly unknown: number;
  /** The error comes first, the effect later. */
  readonly late: number;
  /** The process dies right after the call took effect. */
  readonly crash: number;
  /** A call or its reply takes long: up to several lease times. */
  readonly slow: number;
  /** One entry of a pipeline is refused while the others go on. */
  readonly entryRefused: number;
  /** Per IMAP command: the connection ends. */
  readonly imapCut: number;
  /** Per IMAP command: no answer comes until the deadline. */
  readonly imapSilent: number;
  /** Per message fetched: the answer leaves it out or has no body. */
  readonly leftOut: number;
  /** Per EXAMINE: UIDNEXT lags behind. */
  readonly staleExamine: number;
  /** Per parse: storage refuses, or the parser dies. */
  readonly storage: number;
  readonly parserKilled: number;
  /** A notice between processes is lost. */
  readonly noticeLost: number;
}

/** Mean number of these events in the time of the faults. */
export interface EventCounts {
  readonly kills: number;
  readonly pauses: number;
  readonly restarts: number;
  readonly wallClockSteps: number;
  readonly postgresOutages: number;
  readonly redisOutages: number;
  readonly workerKills: number;
  readonly uidValidityChanges: number;
  readonly expunges: number;
  readonly configChanges: number;
  readonly providerPauses: number;
  /** PostgreSQL restored to an older state, Redis without its tail, its group or everything. */
  readonly postgresLosses: number;
  readonly redisLosses: number;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly instances: number;
  readonly providers: number;
  readonly folders: number;
  /** Per folder, before the first connect. */
  readonly initialMessages: number;
  /** In all, delivered during the faults. */
  readonly messages: number;
  readonly workers: number;
  readonly ttlMs: number;
  /** Virtual milliseconds with faults. */
  readonly faultyMs: number;
  readonly hasIdle: boolean;
  readonly maxMessages: number;
  /** Connections per tenant, 0 for no cap. */
  readonly connectionCap: number;
  /** Share of messages that become visible after a later one. */
  readonly lateVisible: number;
  /** Share of messages that end their parser every time. */
  readonly poison: number;
  readonly rates: FaultRates;
  readonly events: EventCounts;
}

/** Kinds of faults that a run may leave out. */
export interface SimulationSettings {
  /** Stores may lose data. */
  readonly losses: boolean;
  /** Of those PostgreSQL, too: it is restored to an older state. */
  readonly commitLosses: boolean;
  /** UIDVALIDITY may change. */
  readonly renumbering: boolean;
  /** A call may take effect after its caller has given up on it. */
  readonly late: boolean;
}

export const ALL_FAULTS: SimulationSettings = {
  losses: false,
  commitLosses: true,
  renumbering: true,
  late: true,
};

export function deriveOptions(seed: number, settings: SimulationSettings): SimulationOptions {
  // Each option draws from a sequence of its own: a new one leaves the others of a known seed as they were.
  const of = (name: string): Random => createRandom(seed ^ hash(name));
  const oneIn = <T>(name: string, probability: number, is: T, isNot: T): T =>
    of(name).chance(probability) ? is : isNot;
  // Half of the kinds of faults are absent in a world, so that the others show on their own.
  const some = (name: string, probability: number): number => {
    const random = of(name);
    return random.chance(0.5) ? probability * (0.3 + random.next()) : 0;
  };
  const about = (name: string, mean: number): number => some(name, mean * 1.25);
  const { losses, commitLosses, renumbering, late } = settings;
  const postgresLosses = losses && commitLosses ? about('postgresLosses', 1.2) : 0;
  // A row that PostgreSQL forgot cannot be matched by its content under new UIDs: a limit of the promise, not explored.
  const mayRenumber = renumbering && postgresLosses === 0 && of('mayRenumber').chance(0.3);
  return {
    seed,
    instances: oneIn('instances', 0.3, 3, 2),
    providers: oneIn('providers', 0.25, 2, 1),
    folders: oneIn('folders', 0.25, 2, 1),
    initialMessages: of('initialMessages').between(0, 2),
    messages: of('messages').between(2, 10),
    workers: oneIn('workers', 0.3, 2, 1),
    ttlMs: 6_000,
    faultyMs: of('faultyMs').between(6_000, 25_000),
    hasIdle: of('hasIdle').chance(0.7),
    maxMessages: of('maxMessages').pick([1, 2, 3, 100]),
    connectionCap: oneIn('connectionCap', 0.15, 1, 0),
    lateVisible: oneIn('lateVisible', 0.5, 0.3, 0),
    poison: oneIn('poison', 0.15, 0.15, 0),
    rates: {
      refused: some('refused', 0.03),
      unknown: some('unknown', 0.05),
      late: late ? some('late', 0.02) : 0,
      crash: some('crash', 0.006),
      slow: late ? some('slow', 0.03) : 0,
      entryRefused: some('entryRefused', 0.08),
      imapCut: some('imapCut', 0.03),
      imapSilent: some('imapSilent', 0.01),
      leftOut: some('leftOut', 0.1),
      staleExamine: late ? some('staleExamine', 0.1) : 0,
      storage: some('storage', 0.03),
      parserKilled: some('parserKilled', 0.03),
      noticeLost: some('noticeLost', 0.7),
    },
    events: {
      kills: about('kills', 1.5),
      pauses: about('pauses', 1.5),
      restarts: about('restarts', 1),
      wallClockSteps: about('wallClockSteps', 1),
      postgresOutages: about('postgresOutages', 0.5),
      redisOutages: about('redisOutages', 0.5),
      workerKills: about('workerKills', 1),
      uidValidityChanges: mayRenumber ? about('uidValidityChanges', 1.5) : 0,
      expunges: oneIn('mayExpunge', 0.3, about('expunges', 1.5), 0),
      configChanges: about('configChanges', 0.7),
      providerPauses: oneIn('mayPause', 0.2, about('providerPauses', 1.5), 0),
      postgresLosses,
      redisLosses: losses ? about('redisLosses', 1.2) : 0,
    },
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  return value;
}

/** The same world without faults: it must converge. */
export const NO_FAULTS: FaultRates = {
  refused: 0,
  unknown: 0,
  late: 0,
  crash: 0,
  slow: 0,
  entryRefused: 0,
  imapCut: 0,
  imapSilent: 0,
  leftOut: 0,
  staleExamine: 0,
  storage: 0,
  parserKilled: 0,
  noticeLost: 0,
};
