/**
 * How many audits run in this process at once. Each holds the UIDs of one whole folder in memory and reads all its ledger rows, so
 * that thousands of folders whose turn comes at the same moment must not all begin. Never waited for inside a pass: a folder
 * without a turn goes on fetching and asks again.
 */
export class AuditTurns {
  readonly #scheduled: number;
  readonly #asked: number;
  #running = 0;

  /** @param asked for audits that a person waits for; more than `scheduled`, so that these do not queue behind the others */
  constructor(scheduled = 2, asked = 4) {
    this.#scheduled = scheduled;
    this.#asked = asked;
  }

  /** False when all turns are taken; a turn that was taken is given back with `end`. */
  tryTake(reason: 'schedule' | 'request'): boolean {
    if (this.#running >= (reason === 'request' ? this.#asked : this.#scheduled)) return false;
    this.#running += 1;
    return true;
  }

  end(): void {
    this.#running -= 1;
  }
}
