/**
 * The runs of one pass on their way, each a stage behind the one before it, so that the mail server, the parser and the stores work
 * at the same time:
 *
 *   run 1   fetch ──▶ parse ──▶ settle (durable, committed, published)
 *   run 2             fetch ──▶ parse ──▶ settle
 *   run 3                       fetch ──▶ parse ──▶ settle
 *
 * Beside mail of other tenants nothing is asked for until the one before is settled (tenant-traffic.ts).
 *
 * What always holds
 * - three are under way at most, one of them is fetched at most, and they are settled one at a time, in their order;
 * - behind one that was not settled whole nothing is settled, so that no message overtakes another: the attempts of those that were
 *   fetched meanwhile are taken back;
 * - when `drained` is over nothing of it goes on.
 */
import type { Run } from './core/sync-plan.ts';
import type { FetchedRun, RunResult } from './message-run.ts';

export interface RunSteps {
  /** Nobody else is kept waiting by runs that overlap. */
  isAlone(): boolean;
  /** @param uncounted the attempts to take back: emptied where none was counted. @throws what keeps the pass from going on */
  fetch(run: Run, uncounted: Set<number>): Promise<FetchedRun>;
  /** @param unended loses what was committed */
  settle(result: RunResult, unended: Set<number>): Promise<void>;
  /** Never rejects. */
  giveBack(unended: ReadonlySet<number>): Promise<void>;
}

const MOST_UNDER_WAY = 3;

export class FolderRuns {
  readonly #steps: RunSteps;
  readonly #underWay = new Set<Promise<boolean>>();
  /** The last one; true when one behind it may be settled. */
  #last: Promise<boolean> = Promise.resolve(true);
  #failure: { readonly error: unknown } | null = null;
  #isCutShort = false;
  #inFlight = 0;
  #received = 0;

  constructor(steps: RunSteps) {
    this.#steps = steps;
  }

  /** Messages of runs that are not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Messages that reached the ledger. */
  get received(): number {
    return this.#received;
  }

  /** A parser was ended by a message: it goes alone next time, and what follows it must not overtake it. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  /**
   * Resolves when the run was fetched, beside mail of other tenants when it is settled, and at once where nothing goes on
   * (`isCutShort`).
   * @throws what ended this one or one before it
   */
  async add(run: Run): Promise<void> {
    while (this.#underWay.size >= MOST_UNDER_WAY) await Promise.race(this.#underWay);
    if (this.#failure !== null) await this.drained();
    if (this.#isCutShort) return;
    const unended = new Set(run.uids);
    this.#inFlight += run.uids.length;
    const fetched = await this.#fetch(run, unended);
    const running = this.#finish(fetched, this.#last, unended).finally(() => {
      this.#inFlight -= run.uids.length;
      this.#underWay.delete(running);
    });
    this.#last = running;
    this.#underWay.add(running);
    if (fetched.isBroken || !this.#steps.isAlone()) await this.drained();
  }

  /** Resolves when all are settled, or given up. @throws what ended the first that failed */
  async drained(): Promise<void> {
    await this.#last;
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #fetch(run: Run, unended: Set<number>): Promise<FetchedRun> {
    try {
      return await this.#steps.fetch(run, unended);
    } catch (error) {
      this.#inFlight -= run.uids.length;
      await this.#steps.giveBack(unended);
      throw error;
    }
  }

  /** Never rejects. @returns whether one behind it may be settled */
  async #finish({ parsed }: FetchedRun, before: Promise<boolean>, unended: Set<number>): Promise<boolean> {
    try {
      const result = await parsed;
      if (result.killer !== null) unended.delete(result.killer);
      if (!(await before)) return false;
      await this.#steps.settle(result, unended);
      this.#received += result.messages.length;
      this.#isCutShort ||= result.killer !== null;
      if (result.fault !== null) throw result.fault;
      return result.killer === null;
    } catch (error) {
      this.#failure ??= { error };
      return false;
    } finally {
      // Whoever waits for the last one waits for all.
      await before;
      await this.#steps.giveBack(unended);
    }
  }
}
