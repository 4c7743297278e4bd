/**
 * Memory that a group of messages is read in. V8 counts every buffer of a thread as a reason to collect, and a group brings megabytes of
 * them: on the standard mailbox a parser went through a whole collection for each hundred messages, and the collector's helpers took
 * as long as the parser itself (issue 7). So both kinds are made once and used again.
 */
import type { MailInMemory } from '../ports/mail.ts';

/** Sizes are rounded up to this, so that what one group leaves fits the next. */
const GRAIN_BYTES = 1024 * 1024;

/**
 * What carries groups to the threads: shared, so that their bytes are copied once and belong to no thread's heap. A piece is to be given
 * back only when its thread has answered that all is done; of any other nobody knows who still reads it.
 */
export class GroupMemory {
  readonly #most: number;
  readonly #free: SharedArrayBuffer[] = [];

  /** @param most pieces to keep for later */
  constructor(most: number) {
    this.#most = most;
  }

  take(bytes: number): SharedArrayBuffer {
    const at = this.#free.findIndex((piece) => piece.byteLength >= bytes);
    const [found] = at === -1 ? [] : this.#free.splice(at, 1);
    return found ?? new SharedArrayBuffer(Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES);
  }

  giveBack(piece: SharedArrayBuffer): void {
    this.#free.unshift(piece);
    this.#free.length = Math.min(this.#free.length, this.#most);
  }
}

/** The same messages, with their bytes in `piece`, which is large enough. */
export function packed(mails: readonly MailInMemory[], piece: SharedArrayBuffer): readonly MailInMemory[] {
  let at = 0;
  return mails.map((mail) => {
    const bytes = new Uint8Array(piece, at, mail.bytes.length);
    bytes.set(mail.bytes);
    at += bytes.length;
    return { ...mail, bytes };
  });
}

/** Where the decoded parts of messages go, until all of it is forgotten at once. */
export class DecodeMemory {
  #piece: Buffer;
  #used = 0;

  /** @param bytes what is asked for beyond these is made anew each time */
  constructor(bytes: number) {
    this.#piece = Buffer.allocUnsafeSlow(bytes);
  }

  /** Uninitialized. */
  take(bytes: number): Buffer {
    if (bytes > this.#piece.length - this.#used) return Buffer.allocUnsafe(bytes);
    const taken = this.#piece.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return taken;
  }

  /** Nobody may hold anything of it any more. @param bytes that there should be room for */
  reuse(bytes: number): void {
    this.#used = 0;
    if (bytes > this.#piece.length) this.#piece = Buffer.allocUnsafeSlow(bytes);
  }
}
