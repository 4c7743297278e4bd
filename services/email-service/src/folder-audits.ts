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
   * @returns true when the folder was listed again meanwhile: what came since the pass is news to nobody any more, and needs one more pass.
   * @throws FaultError of the session, the ledger or the store of the result; it is due again later
   */
  async runIfDue(session: ImapSession, options: PassOptions, hasMore: boolean): Promise<boolean> {
    const isResynced = await this.#resyncIfDue(session, options);
    const isAudited = await this.#auditIfDue(session, options, hasMore);
    return isResynced || isAudited;
  }

  async #auditIfDue(session: ImapSession, options: PassOptions, hasMore: boolean): Promise<boolean> {
    const { auditTurns, clock, metrics } = this.#deps;
    const { due } = this.#schedule;
    if (due === null || options.shouldStop() || (hasMore && due.reason === 'schedule')) return false;
    if (!auditTurns.tryTake(due.reason)) {
      this.#schedule.noTurn();
      return false;
    }
    const begunMs = clock.monotonicMs();
    try {
      const counts = await this.#ingest.audit(session, options);
      if (counts === null) {
        this.#schedule.noTurn();
        return true;
      }
      const durationMs = Math.round(clock.monotonicMs() - begunMs);
      metrics.audited({ change: counts.missing - this.#missing, found: counts.found, durationMs });
      this.#missing = counts.missing;
      await this.#hooks.audited({ ...counts, ...due, durationMs });
      this.#schedule.done(due);
      return true;
    } catch (error) {
      this.#schedule.failed();
      throw error;
    } finally {
      auditTurns.end();
    }
  }

  /** Before an audit: what a person wants fetched is nothing that was lost. */
  async #resyncIfDue(session: ImapSession, options: PassOptions): Promise<boolean> {
    const { auditTurns } = this.#deps;
    const { due } = this.#resyncs;
    const request = this.#resync;
    if (due === null || request === null || options.shouldStop()) return false;
    if (!auditTurns.tryTake('request')) {
      this.#resyncs.noTurn();
      return false;
    }
    try {
      const counts = await this.#ingest.resync(session, options, request);
      if (counts === null) {
        this.#resyncs.noTurn();
        return true;
      }
      await this.#hooks.resynced(request, counts);
      this.#resyncs.done(due);
      return true;
    } catch (error) {
      this.#resyncs.failed();
      throw error;
    } finally {
      auditTurns.end();
    }
  }
}
