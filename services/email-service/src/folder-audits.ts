/** Runs the audits and resyncs of one folder when they are due, one at a time, and tells their results. */
import { AuditSchedule } from './audit-schedule.ts';
import type { FolderIngest, PassOptions } from './folder-ingest.ts';
import type { ListenerDeps, ListenerHooks } from './listener-deps.ts';
import type { ResyncRequest } from './ports/folder-status.ts';
import type { ImapSession } from './ports/imap.ts';

export class FolderAudits {
  readonly #deps: ListenerDeps;
  readonly #ingest: FolderIngest;
  readonly #hooks: ListenerHooks;
  readonly #schedule: AuditSchedule;
  readonly #resyncs: AuditSchedule;
  #resync: ResyncRequest | null = null;
  #missing = 0;

  /** @param onDue an audit became due; it is run by the next `runIfDue` */
  constructor(deps: ListenerDeps, ingest: FolderIngest, hooks: ListenerHooks, onDue: () => void) {
    this.#deps = deps;
    this.#ingest = ingest;
    this.#hooks = hooks;
    this.#schedule = new AuditSchedule(deps.clock, deps.settings.auditIntervalMs, deps.random, onDue);
    // Never by the clock: only when somebody asks.
    this.#resyncs = new AuditSchedule(deps.clock, 0, deps.random, onDue);
  }

  get isDue(): boolean {
    return this.#schedule.due !== null || this.#resyncs.due !== null;
  }

  start(): void {
    this.#schedule.start();
  }

  /** @param resync one that nobody has answered yet */
  request(version: number, answered: number, resync: ResyncRequest | null): void {
    this.#schedule.request(version, answered);
    if (resync === null) return;
    this.#resync = resync;
    this.#resyncs.request(resync.version, 0);
  }

  /** What this folder had missing counts no more: the next owner finds it again. */
  stop(): void {
    this.#schedule.stop();
    this.#resyncs.stop();
    this.#deps.metrics.audited({ change: -this.#missing, found: 0, durationMs: null });
  }

  /**
   * After a pass, so that new mail never waits for it; a backlog goes before an audit that nobody asked for.
   * @throws FaultError of the session, the ledger or the store of the result; it is due again later
   */
  async runIfDue(session: ImapSession, options: PassOptions, hasMore: boolean): Promise<void> {
    await this.#resyncIfDue(session, options);
    const { auditTurns, clock, metrics } = this.#deps;
    const { due } = this.#schedule;
    if (due === null || options.shouldStop() || (hasMore && due.reason === 'schedule')) return;
    if (!auditTurns.tryTake(due.reason)) return this.#schedule.noTurn();
    const begunMs = clock.monotonicMs();
    try {
      const counts = await this.#ingest.audit(session, options);
      if (counts === null) return this.#schedule.noTurn();
      const durationMs = Math.round(clock.monotonicMs() - begunMs);
      metrics.audited({ change: counts.missing - this.#missing, found: counts.found, durationMs });
      this.#missing = counts.missing;
      await this.#hooks.audited({ ...counts, ...due, durationMs });
      this.#schedule.done(due);
    } catch (error) {
      this.#schedule.failed();
      throw error;
    } finally {
      auditTurns.end();
    }
  }

  /** Before an audit: what a person wants fetched is nothing that was lost. */
  async #resyncIfDue(session: ImapSession, options: PassOptions): Promise<void> {
    const { auditTurns } = this.#deps;
    const { due } = this.#resyncs;
    const request = this.#resync;
    if (due === null || request === null || options.shouldStop()) return;
    if (!auditTurns.tryTake('request')) return this.#resyncs.noTurn();
    try {
      const counts = await this.#ingest.resync(session, options, request);
      if (counts === null) return this.#resyncs.noTurn();
      await this.#hooks.resynced(request, counts);
      this.#resyncs.done(due);
    } catch (error) {
      this.#resyncs.failed();
      throw error;
    } finally {
      auditTurns.end();
    }
  }
}
