/** A process has 512 MiB. */
const TOTAL_BYTES = 64 * 1024 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

/**
 * Keeps the bytes that all folders of the process hold at once bounded, without a queue: nobody waits for a slow server.
 * The more folders fetch at the same time, the smaller the pieces each asks for.
 */
export class FetchBudget {
  readonly #totalBytes: number;
  readonly #maxPieceBytes: number;
  #active = 0;

  /**
   * @param totalBytes what all fetches together may have asked for at one moment
   * @param maxPieceBytes the most that one fetch asks for at once
   */
  constructor(totalBytes = TOTAL_BYTES, maxPieceBytes = MAX_PIECE_BYTES) {
    this.#totalBytes = totalBytes;
    this.#maxPieceBytes = maxPieceBytes;
  }

  /** Bytes to ask for in one piece now, at least 16 KiB. */
  pieceBytes(): number {
    return Math.max(
      16_384,
      Math.min(this.#maxPieceBytes, Math.floor(this.#totalBytes / Math.max(1, this.#active))),
    );
  }

  /** Bytes of small messages to read together: an eighth of the fetch's share, between 256 KiB and 2 MiB. */
  groupBytes(): number {
    const share = this.#totalBytes / Math.max(1, this.#active) / 8;
    return Math.max(262_144, Math.min(2_097_152, Math.floor(share)));
  }

  /** Counts a fetch while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#active += 1;
    try {
      return await work();
    } finally {
      this.#active -= 1;
    }
  }
}
