/**
 * PostgreSQL as far as the protocol needs it: transactions that are atomic, a clock, and a log of commits from which it can be
 * restored to an older state, as a standby that was behind would be. Rows are replaced, never changed in place.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { InstanceId, ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { LedgerStatus } from '@mailstream/shared/domain/message';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Link } from './network.ts';

export interface ProviderRow {
  readonly tenant: TenantId;
  readonly id: ProviderId;
  readonly folders: readonly string[];
  readonly leaseOwner: InstanceId | null;
  readonly leaseEpoch: number;
  /** By this database's clock. */
  readonly leaseExpiresAtMs: number;
  readonly folderState: ReadonlyMap<string, FolderState>;
  readonly configVersion: number;
  readonly pokeVersion: number;
  readonly isPaused: boolean;
}

export interface MessageRow {
  readonly key: string;
  readonly providerId: ProviderId;
  readonly folder: string;
  readonly uidValidity: number;
  readonly uid: number;
  readonly publishSeq: number;
  readonly eventId: string;
  readonly contentHash: string | null;
  readonly size: number;
  readonly internalDate: Date | null;
  readonly emailId: string | null;
  readonly status: LedgerStatus;
  readonly reason: string | null;
  readonly storageKey: string | null;
  readonly entryId: string | null;
  readonly publishedAt: Date | null;
}

export interface Attempts {
  readonly attempts: number;
  readonly kills: number;
}

export interface PostgresState {
  readonly providers: Map<ProviderId, ProviderRow>;
  readonly rows: Map<string, MessageRow>;
  readonly attempts: Map<string, Attempts>;
  /** When each instance was last heard of, by this database's clock. */
  readonly instances: Map<InstanceId, number>;
  /** Event ids whose effect was made: the worker's gate. */
  readonly gate: Set<string>;
  /** Event ids of the effects themselves (tickets), in order. */
  readonly effects: string[];
}

/** A clock that goes back keeps leases alive for as long, and nobody else takes over: not for long here. */
const MOST_OFF_MS = 20_000;
/** Commits that a restore can go back. */
const KEPT_COMMITS = 10;

export class PostgresModel {
  readonly link: Link = {
    name: 'postgresql',
    error: () =>
      new FaultError({
        kind: 'transient',
        code: 'DATABASE_UNAVAILABLE',
        detail: 'modelled: the connection was lost',
      }),
    deadlineMs: Infinity,
    isDown: false,
    generation: 0,
  };
  state: PostgresState = {
    providers: new Map(),
    rows: new Map(),
    attempts: new Map(),
    instances: new Map(),
    gate: new Set(),
    effects: [],
  };
  /** How far its clock is off, milliseconds. */
  clockOffsetMs = 0;
  hasSteppedClock = false;
  hasLostCommits = false;
  readonly #keepsLog: boolean;
  readonly #nowMs: () => number;
  #log: PostgresState[] = [];

  constructor(options: { readonly keepsLog: boolean; readonly nowMs: () => number }) {
    this.#keepsLog = options.keepsLog;
    this.#nowMs = options.nowMs;
  }

  stepClock(byMs: number): void {
    this.clockOffsetMs = Math.max(-MOST_OFF_MS, Math.min(MOST_OFF_MS, this.clockOffsetMs + byMs));
    this.hasSteppedClock = true;
  }

  nowMs(): number {
    return this.#nowMs() + this.clockOffsetMs;
  }

  /** One transaction that writes. */
  commit<T>(work: (state: PostgresState) => T): T {
    if (this.#keepsLog) {
      this.#log.push(copy(this.state));
      if (this.#log.length > KEPT_COMMITS) this.#log.shift();
    }
    return work(this.state);
  }

  /** Commits that a restore may take back must not be older than this moment. */
  forgetLog(): void {
    this.#log = [];
  }

  get restorable(): number {
    return this.#log.length;
  }

  /** Loses the last `count` commits, and all connections. */
  restore(count: number): void {
    const old = this.#log.at(-count);
    if (old === undefined) return;
    this.#log = this.#log.slice(0, -count);
    this.state = old;
    this.hasLostCommits = true;
    this.link.generation += 1;
  }

  provider(id: ProviderId): ProviderRow {
    const row = this.state.providers.get(id);
    if (row === undefined) throw new Error('the model has no such provider');
    return row;
  }

  rowsOf(id: ProviderId, folder: string): readonly MessageRow[] {
    const found: MessageRow[] = [];
    for (const row of this.state.rows.values())
      if (row.providerId === id && row.folder === folder) found.push(row);
    return found;
  }
}

function copy(state: PostgresState): PostgresState {
  return {
    providers: new Map(state.providers),
    rows: new Map(state.rows),
    attempts: new Map(state.attempts),
    instances: new Map(state.instances),
    gate: new Set(state.gate),
    effects: [...state.effects],
  };
}

export function rowKey(id: ProviderId, folder: string, uidValidity: number, uid: number): string {
  return `${id}/${folder}/${uidValidity}/${uid}`;
}
