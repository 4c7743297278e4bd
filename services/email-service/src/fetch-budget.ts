/**
 * A process has 512 MiB, and what was asked for is there three times on its way: as chunks, as a message and as a copy for a thread. The
 * first of many that begin at once know nothing of the others and ask for three times their share.
 */
const TOTAL_BYTES = 16 * 1024 * 1024;
/** What needs more than one piece is written to a file first, and fetched and read on its own. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;

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

  /** Bytes of small messages to read together: half of the fetch's share, between 256 KiB and 2 MiB. */
  groupBytes(): number {
    const share = this.#totalBytes / Math.max(1, this.#active) / 2;
    return Math.max(262_144, Math.min(2_097_152, Math.floor(share)));
  }

  /** Counts a fetch until what is returned is called. */
  begin(): () => void {
    this.#active += 1;
    return () => {
      this.#active -= 1;
    };
  }
}
