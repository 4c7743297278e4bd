/** One client of the scripted IMAP server: its socket, its state, and the writing that hooks may slow down or cut. */
import type { Socket } from 'node:net';
import type { ScriptedFolder, ScriptedMessage } from './scripted-imap-mailbox.ts';
import { SocketReader } from './scripted-imap-wire.ts';

export class ScriptedConnection {
  /** 1 for the first connection of the server. */
  readonly id: number;
  /** Logged in as, or null. */
  user: string | null = null;
  isSecure: boolean;
  folder: ScriptedFolder | null = null;
  isReadOnly = true;
  isIdling = false;
  /** When set, every byte is written on its own, this many milliseconds apart. */
  dripMs: number | null = null;
  /** The open folder as this client was told: sequence numbers are positions in it. */
  view: readonly ScriptedMessage[] = [];
  reader: SocketReader;
  #socket: Socket;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(id: number, socket: Socket, isSecure: boolean) {
    this.id = id;
    this.#socket = socket;
    this.isSecure = isSecure;
    this.reader = new SocketReader(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#clearTimers());
  }

  get socket(): Socket {
    return this.#socket;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Continues on another socket over the same connection (STARTTLS). */
  upgrade(socket: Socket): void {
    this.#socket = socket;
    this.isSecure = true;
    this.reader = new SocketReader(socket);
    socket.on('error', () => socket.destroy());
  }

  /** Writes bytes as they are; resolves when the kernel has taken them, so that a slow client slows the server down. */
  async write(data: string | Buffer): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (this.dripMs !== null) {
      await this.#drip(bytes, this.dripMs);
      return;
    }
    if (!this.isOpen || this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  /** One line; the CRLF is added. */
  line(text: string): Promise<void> {
    return this.write(`${text}\r\n`);
  }

  untagged(text: string): Promise<void> {
    return this.line(`* ${text}`);
  }

  /** Tells what has changed in the open folder since the last time: EXPUNGE, then EXISTS (RFC 9051 section 7.5.1, 7.4.1). */
  async tellChanges(): Promise<void> {
    if (this.folder === null) return;
    const now = this.folder.visible;
    const there = new Set(now);
    for (let index = this.view.length - 1; index >= 0; index -= 1) {
      const message = this.view[index];
      if (message !== undefined && !there.has(message)) await this.untagged(`${index + 1} EXPUNGE`);
    }
    const kept = this.view.filter((message) => there.has(message)).length;
    this.view = now;
    if (now.length > kept) await this.untagged(`${now.length} EXISTS`);
  }

  /** Closes at once, without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Waits; ends early when the client is gone. */
  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#timers.delete(timer);
        this.#socket.off('close', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#timers.add(timer);
      this.#socket.on('close', done);
    });
  }

  async #drip(bytes: Buffer, ms: number): Promise<void> {
    for (const byte of bytes) {
      if (!this.isOpen) return;
      this.#socket.write(Buffer.of(byte));
      await this.pause(ms);
    }
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
