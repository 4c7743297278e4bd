/** The bytes of the scripted IMAP server: reading lines and literals, splitting arguments, modified UTF-7. */
import type { Socket } from 'node:net';

/** Reads one socket on demand. Resolves with null once the peer is gone. */
export class SocketReader {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;
  readonly #onData = (chunk: Buffer): void => {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    this.#wake?.();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
  }

  /** One line without its CRLF. */
  async readLine(): Promise<string | null> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 2);
        return line;
      }
      if (!(await this.#more())) return null;
    }
  }

  async readBytes(count: number): Promise<Buffer | null> {
    while (this.#buffer.length < count) {
      if (!(await this.#more())) return null;
    }
    const bytes = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return bytes;
  }

  /** Gives the socket back, for STARTTLS. */
  detach(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
    return true;
  }
}

/** An argument of a command: an atom or string, or a parenthesised list. Quoted, literal and atom forms look alike. */
export type Argument = string | readonly Argument[];

/** One command as it came, literals inlined. */
export interface RawCommand {
  readonly tag: string;
  /** Upper case; `UID FETCH` and `UID SEARCH` are one name. */
  readonly name: string;
  readonly args: readonly Argument[];
  /** Name and arguments as text, without the tag. */
  readonly line: string;
}

/**
 * Reads one command with its literals (RFC 9051 section 4.3), sending the continuation a synchronising one asks for.
 * Resolves with null when the client is gone.
 */
export async function readCommand(reader: SocketReader, goAhead: () => void): Promise<RawCommand | null> {
  const pieces: (string | Buffer)[] = [];
  for (;;) {
    const line = await reader.readLine();
    if (line === null) return null;
    const literal = /\{(\d+)(\+?)\}$/.exec(line);
    if (literal === null) {
      pieces.push(line);
      break;
    }
    pieces.push(line.slice(0, literal.index));
    if (literal[2] === '') goAhead();
    const bytes = await reader.readBytes(Number(literal[1]));
    if (bytes === null) return null;
    pieces.push(bytes);
  }
  return toCommand(pieces);
}

function toCommand(pieces: readonly (string | Buffer)[]): RawCommand {
  const tokens: Argument[] = [];
  const open: Argument[][] = [tokens];
  for (const piece of pieces) {
    if (typeof piece === 'string') splitInto(open, piece);
    else open.at(-1)?.push(piece.toString('utf8'));
  }
  const [tag, first, ...rest] = tokens;
  const verb = typeof first === 'string' ? first.toUpperCase() : '';
  const isUid = verb === 'UID' && typeof rest[0] === 'string';
  const name = isUid ? `UID ${String(rest[0]).toUpperCase()}` : verb;
  return {
    tag: typeof tag === 'string' ? tag : '',
    name,
    args: isUid ? rest.slice(1) : rest,
    line: pieces.map(String).join('').replace(/^\S+ /, ''),
  };
}

function splitInto(open: Argument[][], text: string): void {
  const token = /\(|\)|"((?:[^"\\]|\\.)*)"|(?:[^\s()"[\]]+|\[[^\]]*\])+/g;
  for (const match of text.matchAll(token)) {
    if (match[0] === '(') {
      const list: Argument[] = [];
      open.at(-1)?.push(list);
      open.push(list);
    } else if (match[0] === ')') {
      if (open.length > 1) open.pop();
    } else {
      const quoted = match[1];
      const value = quoted === undefined ? match[0] : quoted.replace(/\\(.)/g, '$1');
      open.at(-1)?.push(Buffer.from(value, 'latin1').toString('utf8'));
    }
  }
}

/** Modified UTF-7 (RFC 9051 appendix A.1, RFC 3501 section 5.1.3), written apart from the client's so that each checks the other. */
export function encodeMailboxName(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const utf16 = Buffer.from(run, 'utf16le').swap16();
    return `&${utf16.toString('base64').replace(/=+$/, '').replace(/\//g, ',')}-`;
  });
}

export function decodeMailboxName(name: string): string {
  return name.replace(/&([^-]*)-/g, (_whole, code: string) => {
    if (code === '') return '&';
    return Buffer.from(code.replace(/,/g, '/'), 'base64').swap16().toString('utf16le');
  });
}

/** A quoted string (RFC 9051 section 4.3). */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
