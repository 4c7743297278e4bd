/** A process has 512 MiB, and what was asked for is there three times on its way: as chunks, as a message and as a copy for a thread. */
const TOTAL_BYTES = 16 * 1024 * 1024;
/** What needs more than one piece is written to a file first, and fetched and read on its own. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;
/**
 * A fetch asks for a quarter of what nobody else has asked for. With an equal share of all, the first of many that begin at once
 * knew nothing of the others, and 32 asked for 47 MiB. With the pieces after the first the shares become equal.
 */
const OF_THE_REST = 1 / 4;
/** Less is nearly all commands, bytes; where thousands fetch, their share. */
const SMALL_PIECE_BYTES = 256 * 1024;
const LEAST_PIECE_BYTES = 16 * 1024;
/**
 * V8 begins to collect buffers when there are 64 MiB more of them than it last left. On a network as fast as memory and with all
 * processors busy, 32 fetches brought its process to 200 MiB before it was done, 35 of them still needed (issue 7).
 */
const UNCOLLECTED_BYTES = 96 * 1024 * 1024;

/** Of one fetch, from its beginning to its end. */
export interface FetchShare {
  /** Bytes to ask for in one piece from now on, instead of what it said before. At least 16 KiB. */
  pieceBytes(): number;
  /** Bytes of small messages to read together: half a piece, between 256 KiB and 2 MiB. */
  groupBytes(): number;
  /** May be called more than once. */
  end(): void;
}

export interface BudgetOptions {
  /** What all fetches together may have asked for at one moment. */
  readonly totalBytes?: number;
  /** The most that one fetch asks for at once. */
  readonly maxPieceBytes?: number;
  /** Bytes of all buffers that V8 has not collected, needed or not. */
  readonly heldBytes: () => number;
}

/**
 * Keeps the bytes that all folders of the process hold at once bounded, without a queue: nobody waits for a slow server.
 * The more folders fetch at the same time, the smaller the pieces each asks for.
 */
export class FetchBudget {
  readonly #totalBytes: number;
  readonly #maxPieceBytes: number;
  readonly #heldBytes: () => number;
  /** What each fetch under way has asked for. */
  readonly #asked = new Map<FetchShare, number>();
  #askedBytes = 0;

  constructor({ totalBytes = TOTAL_BYTES, maxPieceBytes = MAX_PIECE_BYTES, heldBytes }: BudgetOptions) {
    this.#totalBytes = totalBytes;
    this.#maxPieceBytes = maxPieceBytes;
    this.#heldBytes = heldBytes;
  }

  begin(): FetchShare {
    const share: FetchShare = {
      pieceBytes: () => {
        this.#ask(share, 0);
        const bytes = this.#piece();
        this.#ask(share, bytes);
        return bytes;
      },
      groupBytes: () => Math.max(262_144, Math.min(2_097_152, Math.floor((this.#asked.get(share) ?? 0) / 2))),
      end: () => {
        this.#ask(share, 0);
        this.#asked.delete(share);
      },
    };
    this.#ask(share, 0);
    return share;
  }

  /** The collector is behind: what comes now only adds to it. */
  isUncollected(): boolean {
    return this.#heldBytes() > UNCOLLECTED_BYTES;
  }

  #ask(share: FetchShare, bytes: number): void {
    this.#askedBytes += bytes - (this.#asked.get(share) ?? 0);
    this.#asked.set(share, bytes);
  }

  #piece(): number {
    const equal = this.#totalBytes / this.#asked.size;
    const least = Math.max(LEAST_PIECE_BYTES, Math.min(SMALL_PIECE_BYTES, equal));
    const ofTheRest = (this.#totalBytes - this.#askedBytes) * OF_THE_REST;
    return Math.floor(Math.min(this.#maxPieceBytes, Math.max(least, ofTheRest)));
  }
}
