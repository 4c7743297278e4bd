/**
 * Everything that runs for one provider under one term: its listeners, one per folder, its login gate and what people see of it.
 * Made when the lease is won, thrown away when all listeners have stopped.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { isErrorCode, errorEntry } from '@mailstream/shared/errors/catalogue';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { watchedFolders, type ImapProvider } from '@mailstream/shared/domain/provider';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { FolderIngest } from './folder-ingest.ts';
import { FolderListener } from './folder-listener.ts';
import type { ListenerDeps } from './listener-deps.ts';
import type { FolderSight } from './listener-health.ts';
import { SESSION_ENDED } from './live-session.ts';
import { LoginGate } from './login-gate.ts';
import type { IngestDeps } from './message-run.ts';
import type { FolderHealth, FolderStatusStore, HealthStore } from './ports/folder-status.ts';
import type { ProviderRef, ProviderSource, Term } from './ports/leases.ts';

export interface RuntimeDeps {
  readonly source: ProviderSource;
  readonly health: HealthStore;
  readonly status: Pick<FolderStatusStore, 'requests' | 'recordAudit' | 'recordResync'>;
  readonly ingest: IngestDeps;
  readonly listener: Omit<ListenerDeps, 'gate'>;
  readonly log: Logger;
  /** Health is written at most this often per provider, the last state wins. */
  readonly healthDelayMs: number;
  /** One more folder is watched. */
  readonly folderAdded: (runtime: ProviderRuntime) => void;
}

export interface RuntimeHooks {
  /** A write was refused: the row belongs to another. */
  fenced(): void;
  /** Every listener has ended; called once. */
  quiet(): void;
}

/** Pauses before the settings are read again after the database refused. */
const LOAD_RETRY_MS = 1_000;

export class ProviderRuntime {
  readonly ref: ProviderRef;
  readonly #deps: RuntimeDeps;
  readonly #term: Term;
  readonly #hooks: RuntimeHooks;
  readonly #gate: LoginGate;
  readonly #log: Logger;
  readonly #listeners = new Map<string, FolderListener>();
  readonly #folders = new Map<string, FolderHealth>();
  #isEnding = false;
  /** While the settings could not be read, and are read again after a pause. */
  #pause: AbortController | null = null;
  #leaving = new Set<Promise<void>>();
  #provider: ImapProvider | null = null;
  #loading: Promise<void> = Promise.resolve();
  #capabilities: readonly string[] | null = null;
  #cancelReport: (() => void) | null = null;
  /** The row may say something else than we last said: nothing was written yet, it failed, or somebody changed the row. */
  #isHealthInDoubt = true;
  #reporting: Promise<void> = Promise.resolve();
  #isAborted = false;

  constructor(deps: RuntimeDeps, ref: ProviderRef, term: Term, hooks: RuntimeHooks) {
    this.#deps = deps;
    this.ref = ref;
    this.#term = term;
    this.#hooks = hooks;
    this.#gate = new LoginGate(deps.listener.clock);
    this.#log = deps.log.child({ tenantId: ref.tenant, providerId: ref.id, epoch: term.epoch });
  }

  /** Of its term. */
  get epoch(): number {
    return this.#term.epoch;
  }

  /** Its listeners end, or have ended. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  start(): void {
    this.reload();
  }

  /** Reads the settings again and brings the listeners in line with them. */
  reload(): void {
    this.#isHealthInDoubt = true;
    this.#loading = this.#loading.then(() => this.#load());
    this.auditRequested();
  }

  /** Somebody asked for an audit or a resync, perhaps a former owner: each folder that has not answered makes one. */
  auditRequested(): void {
    this.#loading = this.#loading.then(() => this.#readAuditRequests());
  }

  /** Names of the watched folders. */
  folders(): Iterable<string> {
    return this.#listeners.keys();
  }

  /** How fresh each of them is. */
  sights(): readonly FolderSight[] {
    return Array.from(this.#listeners.values(), (listener) => listener.sight);
  }

  /** See `FolderListener.giveUpSession`. */
  giveUpSession(folder: string, fault: Fault): boolean {
    return this.#listeners.get(folder)?.giveUpSession(fault) ?? false;
  }

  poke(): void {
    this.#isHealthInDoubt = true;
    for (const listener of this.#listeners.values()) listener.poke();
  }

  /** A store may have lost data. Settings and each folder are looked at within `withinMs`, so that they do not all ask at once. */
  distrustStores(withinMs: number): void {
    const { clock, random } = this.#deps.listener;
    clock.schedule(random() * withinMs, () => this.reload());
    for (const [folder, listener] of this.#listeners) {
      clock.schedule(random() * withinMs, () => {
        if (this.#listeners.get(folder) === listener) listener.distrustStores();
      });
    }
  }

  /** See `FolderListener.pressureChanged`; spread over `withinMs`. */
  pressureChanged(withinMs: number): void {
    const { clock, random } = this.#deps.listener;
    for (const listener of this.#listeners.values())
      clock.schedule(random() * withinMs, () => listener.pressureChanged());
  }

  /** Finish what is in hand; `quiet` follows. */
  drain(): void {
    this.#end((listener) => listener.drain());
  }

  /** Stop now; `quiet` follows. */
  abort(): void {
    this.#isAborted = true;
    this.#end((listener) => listener.abort());
  }

  #end(how: (listener: FolderListener) => void): void {
    const isFirst = !this.#isEnding;
    this.#isEnding = true;
    this.#pause?.abort(SESSION_ENDED);
    for (const listener of this.#listeners.values()) how(listener);
    if (!isFirst) return;
    void this.#loading
      .then(async () => {
        // A reload in flight may have added listeners after the loop above.
        for (const listener of this.#listeners.values()) how(listener);
        await Promise.all([...this.#listeners.values()].map((listener) => listener.stopped));
        while (this.#leaving.size > 0) await Promise.all(this.#leaving);
        this.#cancelReport?.();
        await this.#reporting;
      })
      .then(() => this.#hooks.quiet());
  }

  #load(): Promise<void> {
    return this.#untilRead(async () => {
      const provider = await this.#deps.source.load(this.ref);
      // Deleted: the lease machine hears of it from discovery.
      if (provider !== null && !this.#isEnding) this.#apply(provider);
    });
  }

  #readAuditRequests(): Promise<void> {
    return this.#untilRead(async () => {
      const { audit, answeredAudits, resyncs } = await this.#deps.status.requests(this.ref);
      if ((audit === 0 && resyncs.size === 0) || this.#isEnding) return;
      for (const [folder, listener] of this.#listeners)
        listener.requestAudit(audit, answeredAudits.get(folder) ?? 0, resyncs.get(folder) ?? null);
    });
  }

  /** One at a time: what is read waits for what is read before it. */
  async #untilRead(read: () => Promise<void>): Promise<void> {
    while (!this.#isEnding) {
      try {
        return await read();
      } catch (error) {
        const fault = toFault(error);
        this.#log.warn('settings could not be read', {
          code: fault.code,
          detail: fault.detail,
          delayMs: LOAD_RETRY_MS,
        });
        this.#pause = new AbortController();
        await this.#deps.listener.pause(LOAD_RETRY_MS, this.#pause.signal).catch(() => undefined);
        this.#pause = null;
      }
    }
  }

  #apply(provider: ImapProvider): void {
    // By content: a database that lost commits gives the same version a second time, to other settings.
    const isChanged = JSON.stringify(provider) !== JSON.stringify(this.#provider);
    this.#provider = provider;
    if (!isChanged) return;
    this.#gate.reset();
    const wanted = new Set(watchedFolders(provider));
    for (const [folder, listener] of this.#listeners) {
      if (wanted.has(folder)) listener.configChanged(provider);
      else this.#leave(folder, listener);
    }
    for (const folder of wanted) if (!this.#listeners.has(folder)) this.#watch(provider, folder);
  }

  #watch(provider: ImapProvider, folder: string): void {
    const { tenant, id } = this.ref;
    const ref = { tenant, id, folder };
    const ingest = new FolderIngest({ ...this.#deps.ingest, log: this.#log }, provider, ref, this.#term);
    const listener = new FolderListener(this.#listenerDeps(), provider, folder, ingest, {
      fenced: () => this.#hooks.fenced(),
      audited: (audit) => this.#deps.status.recordAudit(ref, this.#term, audit),
      resynced: (...answer) => this.#deps.status.recordResync(ref, this.#term, ...answer),
      health: (health, capabilities, inSync) => {
        if (this.#listeners.get(folder) !== listener) return;
        const isNews = !isAsBefore(this.#folders.get(folder), health);
        if (isNews) this.#folders.set(folder, health);
        if (health.state === 'parked' && health.code === 'OAUTH_REAUTHORIZE') this.#doubtGrant(listener);
        this.#capabilities = capabilities ?? this.#capabilities;
        if (isNews || this.#isHealthInDoubt) this.#report(inSync);
      },
    });
    // A folder chosen again while its old listener still leaves begins when that one has ended.
    const before = [...this.#leaving];
    this.#listeners.set(folder, listener);
    this.#deps.folderAdded(this);
    void Promise.all(before).then(() => listener.start());
  }

  /** Field by field: copied as a whole and added to, each would have a hidden class of its own (issue 7). */
  #listenerDeps(): ListenerDeps {
    const { connector, turns, auditTurns, clock, random, settings, metrics, pause, pressure } =
      this.#deps.listener;
    const [gate, log] = [this.#gate, this.#log];
    return { connector, gate, turns, auditTurns, clock, random, log, settings, metrics, pause, pressure };
  }

  /**
   * The permission has ended, as one folder found out. A connection that lives on would hide that for as long as the mail server lets
   * it: the others log in anew, and each sees for itself.
   */
  #doubtGrant(witness: FolderListener): void {
    const provider = this.#provider;
    if (provider === null) return;
    for (const listener of this.#listeners.values())
      if (listener !== witness && (listener.state.kind === 'watching' || listener.state.kind === 'syncing'))
        listener.configChanged(provider);
  }

  #leave(folder: string, listener: FolderListener): void {
    this.#listeners.delete(folder);
    this.#folders.delete(folder);
    this.#leaving.add(listener.stopped);
    void listener.stopped.finally(() => this.#leaving.delete(listener.stopped));
    listener.drain();
  }

  /** Written a moment later, together with what else happens by then. */
  #report(inSync: boolean): void {
    if (this.#isAborted || this.#cancelReport !== null) return;
    this.#cancelReport = this.#deps.listener.clock.schedule(this.#deps.healthDelayMs, () => {
      this.#cancelReport = null;
      if (this.#isAborted) return;
      this.#reporting = this.#reporting.then(() => this.#writeHealth(inSync));
    });
  }

  async #writeHealth(inSync: boolean): Promise<void> {
    const folders = [...this.#folders.values()];
    const parked = folders.find((folder) => folder.state === 'parked');
    const waiting = folders.find(
      (folder) => folder.state === 'waiting' && folder.code !== 'IMAP_CONNECTION_TURNS',
    );
    const code = parked?.code ?? waiting?.code ?? null;
    const status = parked !== undefined ? 'error' : waiting !== undefined ? 'disconnected' : 'connected';
    // Not all folders have said something yet: "connected" would be a guess.
    if (status === 'connected' && folders.some((folder) => folder.state === 'connecting')) return;
    this.#isHealthInDoubt = false;
    try {
      await this.#deps.health.report(this.ref, this.#term, {
        status,
        errorCode: code,
        errorMessage: code !== null && isErrorCode(code) ? errorEntry(code).message : null,
        folders: Object.fromEntries(this.#folders),
        capabilities: this.#capabilities,
        inSync,
      });
    } catch (error) {
      // For people only; the next look writes it again.
      this.#isHealthInDoubt = true;
      this.#log.warn('health could not be written', { code: toFault(error).code });
    }
  }
}

/**
 * A folder that was looked at and is watched again has nothing to say: that everything in it is here is stamped for all folders in one
 * statement (data-age-watch.ts). Two statements for each mailbox and look would be most of what PostgreSQL has to do.
 */
function isAsBefore(before: FolderHealth | undefined, now: FolderHealth): boolean {
  return before?.state === 'watching' && now.state === 'watching' && before.code === now.code;
}
