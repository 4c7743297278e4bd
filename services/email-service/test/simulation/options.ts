/** What one seed decides before anything runs: size of the world, and which faults it has how often (swarm testing). */
import type { StartFrom } from '@mailstream/shared/domain/provider';
import { EPOCH_MS } from './process-model.ts';
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
  /** A folder is renamed away and back; or deleted and made anew. */
  readonly folderAbsences: number;
  readonly folderDeletions: number;
  /** Somebody takes a folder off the list of those watched, and puts it back. */
  readonly folderChoices: number;
  readonly databaseClockSteps: number;
  /** Redis is full and takes no writes for a while. */
  readonly redisRefusals: number;
  /** Back-pressure holds all fetching for a while. */
  readonly holds: number;
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
  /** The slow schedule on which folders are compared; without it the rest must do. */
  readonly hasAudits: boolean;
  /** Connections per tenant, 0 for no cap. */
  readonly connectionCap: number;
  /** Share of messages that become visible after a later one. */
  readonly lateVisible: number;
  /** Share of messages that end their parser every time. */
  readonly poison: number;
  /** Share of messages that every worker gives up. */
  readonly unprocessable: number;
  /** Share of messages with the bytes of one before. */
  readonly twins: number;
  readonly hasEmailIds: boolean;
  readonly startFrom: StartFrom;
  readonly rates: FaultRates;
  readonly events: EventCounts;
}

/** What a run may leave out. */
export interface SimulationSettings {
  /** Stores may lose data. */
  readonly losses: boolean;
}

const DAY_MS = 86_400_000;

/** Most begin with what comes; the others reach back. */
const STARTS: readonly StartFrom[] = [
  ...Array.from({ length: 7 }, () => ({ kind: 'now' as const })),
  { kind: 'last', count: 1 },
  { kind: 'last', count: 3 },
  { kind: 'since', date: new Date(EPOCH_MS - 2 * DAY_MS).toISOString().slice(0, 10) },
];

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
  const { losses } = settings;
  const postgresLosses = losses ? about('postgresLosses', 1.2) : 0;
  // A row that PostgreSQL forgot cannot be matched by its content under new UIDs: a limit of the promise, not explored.
  const startFrom = of('startFrom').pick(STARTS);
  const mayRenumber = postgresLosses === 0 && of('mayRenumber').chance(0.3);
  return {
    seed,
    instances: oneIn('instances', 0.3, 3, 2),
    providers: oneIn('providers', 0.25, 2, 1),
    folders: oneIn('folders', 0.25, 2, 1),
    initialMessages: of('initialMessages').between(0, startFrom.kind === 'now' ? 2 : 6),
    messages: of('messages').between(2, 10),
    workers: oneIn('workers', 0.3, 2, 1),
    ttlMs: 6_000,
    faultyMs: of('faultyMs').between(6_000, 25_000),
    hasIdle: of('hasIdle').chance(0.7),
    maxMessages: of('maxMessages').pick([1, 2, 3, 100]),
    hasAudits: of('hasAudits').chance(0.5),
    connectionCap: oneIn('connectionCap', 0.15, 1, 0),
    lateVisible: oneIn('lateVisible', 0.5, 0.3, 0),
    poison: oneIn('poison', 0.15, 0.15, 0),
    unprocessable: oneIn('unprocessable', 0.15, 0.2, 0),
    twins: oneIn('twins', 0.3, 0.4, 0),
    hasEmailIds: of('hasEmailIds').chance(0.3),
    startFrom,
    rates: {
      refused: some('refused', 0.03),
      unknown: some('unknown', 0.05),
      late: some('late', 0.02),
      crash: some('crash', 0.006),
      slow: some('slow', 0.03),
      entryRefused: some('entryRefused', 0.08),
      imapCut: some('imapCut', 0.03),
      imapSilent: some('imapSilent', 0.01),
      leftOut: some('leftOut', 0.1),
      staleExamine: some('staleExamine', 0.1),
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
      folderAbsences: oneIn('mayRename', 0.15, about('folderAbsences', 1.5), 0),
      folderDeletions: mayRenumber ? oneIn('mayDelete', 0.2, about('folderDeletions', 1), 0) : 0,
      folderChoices: oneIn('mayChoose', 0.15, about('folderChoices', 1.5), 0),
      databaseClockSteps: oneIn('mayStep', 0.3, about('databaseClockSteps', 1.5), 0),
      redisRefusals: oneIn('mayRefuse', 0.3, about('redisRefusals', 1.5), 0),
      holds: oneIn('mayHold', 0.3, about('holds', 1.5), 0),
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
