/**
 * Attempts of one folder that came to nothing, and that neither a parser nor the process died of. A connection that breaks again and
 * again is no fault of the message: only deaths are counted against it. What cannot be taken back now is taken back before the counts
 * are next read.
 */
import type { FolderRef } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';

export class AttemptsToForgive {
  readonly #ledger: Pick<Ledger, 'forgiveAttempts'>;
  readonly #folder: FolderRef;
  readonly #left: { readonly uidValidity: number; readonly uids: readonly number[] }[] = [];

  constructor(ledger: Pick<Ledger, 'forgiveAttempts'>, folder: FolderRef) {
    this.#ledger = ledger;
    this.#folder = folder;
  }

  /** Never rejects: what the ledger refuses is left for later. */
  async giveBack(uidValidity: number, uids: ReadonlySet<number>): Promise<void> {
    if (uids.size === 0) return;
    this.#left.push({ uidValidity, uids: [...uids] });
    await this.forgive().catch(() => undefined);
  }

  /** @throws FaultError of the ledger; what it did not take is still left */
  async forgive(): Promise<void> {
    for (let next = this.#left[0]; next !== undefined; next = this.#left[0]) {
      await this.#ledger.forgiveAttempts(this.#folder, next.uidValidity, next.uids);
      this.#left.shift();
    }
  }
}
