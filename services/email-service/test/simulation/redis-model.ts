/** Redis as far as the protocol needs it: one stream, its watermarks and its group, and ways to lose them. */
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Link } from './network.ts';

export interface StreamEntryModel {
  /** Grows; stands for `<milliseconds>-<sequence>`. */
  readonly id: number;
  readonly eventId: string;
  readonly folderKey: string;
  readonly atMs: number;
  /** Every worker gives it up. */
  readonly isUnprocessable: boolean;
  readonly publishSeq: number;
}

export interface GroupModel {
  lastDelivered: number;
  readonly pending: Map<number, { readonly consumer: string; readonly sinceMs: number }>;
}

interface RedisState {
  entries: StreamEntryModel[];
  /** Id of the last entry ever appended to this stream, and how many there were. */
  lastId: number;
  added: number;
  watermarks: Map<string, number>;
  group: GroupModel | null;
  /** What an instance left there to know this data by. */
  marker: string | null;
}

const EMPTY: Omit<RedisState, 'entries' | 'watermarks'> = { lastId: 0, added: 0, group: null, marker: null };

const KEPT_WRITES = 12;

export class RedisModel {
  readonly link: Link = {
    name: 'redis',
    error: () =>
      new FaultError({
        kind: 'transient',
        code: 'REDIS_UNAVAILABLE',
        detail: 'modelled: the connection was lost',
      }),
    deadlineMs: Infinity,
    isDown: false,
    generation: 0,
  };
  state: RedisState = { ...EMPTY, entries: [], watermarks: new Map() };
  hasLostData = false;
  /** At `maxmemory` with `noeviction`: it refuses what needs memory. */
  isFull = false;
  /** The stream is longer than it should be: fetching waits (see src/back-pressure.ts). */
  isHeld = false;
  /** Changes when the server starts anew. */
  runId = 1;
  /** Every entry ever appended, for the checks. */
  readonly history: StreamEntryModel[] = [];
  readonly #keepsLog: boolean;
  #log: RedisState[] = [];
  #nextId = 1;

  constructor(options: { readonly keepsLog: boolean }) {
    this.#keepsLog = options.keepsLog;
  }

  /** Call before each change. */
  remember(): void {
    if (!this.#keepsLog) return;
    this.#log.push(copy(this.state));
    if (this.#log.length > KEPT_WRITES) this.#log.shift();
  }

  append(entry: Omit<StreamEntryModel, 'id'>): number {
    const id = this.#nextId;
    this.#nextId += 1;
    const added = { ...entry, id };
    this.state.entries.push(added);
    this.state.lastId = id;
    this.state.added += 1;
    this.history.push(added);
    return id;
  }

  get restorable(): number {
    return this.#log.length;
  }

  /** Loses the last `count` writes. */
  loseTail(count: number): void {
    this.runId += 1;
    const old = this.#log.at(-count);
    if (old === undefined) return;
    this.#log = this.#log.slice(0, -count);
    this.#lose(old);
  }

  /** Somebody deletes one key. */
  loseWatermarks(): void {
    this.#lose({ ...copy(this.state), watermarks: new Map() });
  }

  loseStream(): void {
    this.#lose({ ...copy(this.state), entries: [], lastId: 0, added: 0, group: null });
  }

  loseGroup(): void {
    this.#lose({ ...copy(this.state), group: null });
  }

  /** By a restart without persistence, or FLUSHALL, which keeps the process. */
  loseEverything(isRestart: boolean): void {
    if (isRestart) this.runId += 1;
    this.#log = [];
    this.#lose({ ...EMPTY, entries: [], watermarks: new Map() });
  }

  #lose(state: RedisState): void {
    this.state = state;
    this.hasLostData = true;
    this.link.generation += 1;
  }
}

function copy({ entries, watermarks, group, ...rest }: RedisState): RedisState {
  return {
    ...rest,
    entries: [...entries],
    watermarks: new Map(watermarks),
    group: group === null ? null : { lastDelivered: group.lastDelivered, pending: new Map(group.pending) },
  };
}
