/**
 * Reads what a client sends to PostgreSQL (protocol 3.0, "Message Formats") and tells each statement when it is run: a simple
 * query, or the Execute of a prepared one. Only for clients without TLS.
 */

export interface StatementListener {
  /** Once, of the start-up message. */
  readonly connected: (parameters: Readonly<Record<string, string>>) => void;
  readonly ran: (text: string) => void;
}

const PROTOCOL_3 = 196_608;
const HEADER_BYTES = 5;

export class PgStatements {
  readonly #listener: StatementListener;
  #pending: Buffer = Buffer.alloc(0);
  #hasBegun = false;
  /** By name of the statement. */
  readonly #prepared = new Map<string, string>();
  /** By name of the portal. */
  readonly #bound = new Map<string, string>();

  constructor(listener: StatementListener) {
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (let used = this.#take(); used > 0; used = this.#take()) this.#pending = this.#pending.subarray(used);
  }

  /** Bytes of the message that was whole; 0 when none was. */
  #take(): number {
    const bytes = this.#pending;
    if (!this.#hasBegun) return this.#takeStartUp(bytes);
    if (bytes.length < HEADER_BYTES) return 0;
    const end = 1 + bytes.readUInt32BE(1);
    if (bytes.length < end) return 0;
    this.#message(String.fromCharCode(bytes[0] ?? 0), bytes.subarray(HEADER_BYTES, end));
    return end;
  }

  #takeStartUp(bytes: Buffer): number {
    if (bytes.length < 8) return 0;
    const end = bytes.readUInt32BE(0);
    if (bytes.length < end) return 0;
    // Else a request for TLS or for a cancellation: it has no name.
    if (bytes.readUInt32BE(4) === PROTOCOL_3) {
      this.#hasBegun = true;
      const words = bytes.toString('utf8', 8, end).split('\0');
      const parameters: Record<string, string> = {};
      for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2)
        parameters[words[at] ?? ''] = words[at + 1] ?? '';
      this.#listener.connected(parameters);
    }
    return end;
  }

  #message(type: string, body: Buffer): void {
    const words = (count: number): readonly string[] => {
      const found: string[] = [];
      for (let from = 0; found.length < count;) {
        const end = body.indexOf(0, from);
        if (end < 0) break;
        found.push(body.toString('utf8', from, end));
        from = end + 1;
      }
      return found;
    };
    if (type === 'Q') this.#listener.ran(words(1)[0] ?? '');
    if (type === 'P') {
      const [name = '', text = ''] = words(2);
      this.#prepared.set(name, text);
    }
    if (type === 'B') {
      const [portal = '', statement = ''] = words(2);
      this.#bound.set(portal, this.#prepared.get(statement) ?? '');
    }
    if (type === 'E') this.#listener.ran(this.#bound.get(words(1)[0] ?? '') ?? '');
  }
}

/** True for what only frames the work: transactions and their settings. */
export function isFraming(text: string): boolean {
  return /^\s*(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|DEALLOCATE|LISTEN)\b/i.test(text);
}
