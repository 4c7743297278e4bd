/** Runs the audits of one folder when they are due, one at a time, and tells their results. */
import { AuditSchedule } from './audit-schedule.ts';
import type { FolderIngest, PassOptions } from './folder-ingest.ts';
import type { ListenerDeps, ListenerHooks } from './listener-deps.ts';
import type { ImapSession } from './ports/imap.ts';

export class FolderAudits {
  readonly #deps: ListenerDeps;
  readonly #ingest: FolderIngest;
  readonly #hooks: ListenerHooks;
  readonly #schedule: AuditSchedule;
  #missing = 0;

  /** @param onDue an audit became due; it is run by the next `runIfDue` */
  constructor(deps: ListenerDeps, ingest: FolderIngest, hooks: ListenerHooks, onDue: () => void) {
    this.#deps = deps;
    this.#ingest = ingest;
    this.#hooks = hooks;
    this.#schedule = new AuditSchedule(deps.clock, deps.settings.auditIntervalMs, deps.random, onDue);
  }

  get isDue(): boolean {
    return this.#schedule.due !== null;
  }

  start(): void {
    this.#schedule.start();
  }

  request(version: number, answered: number): void {
    this.#schedule.request(version, answered);
  }

  /** What this folder had missing counts no more: the next owner finds it again. */
  stop(): void {
    this.#schedule.stop();
    this.#deps.metrics.audited({ change: -this.#missing, found: 0, durationMs: null });
  }

  /**
   * After a pass, so that new mail never waits for it; a backlog goes before an audit that nobody asked for.
   * @throws FaultError of the session, the ledger or the store of the result; it is due again later
   */
  async runIfDue(session: ImapSession, options: PassOptions, hasMore: boolean): Promise<void> {
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
}
