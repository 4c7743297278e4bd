/**
 * One imapflow client with what it lacks: a deadline over each whole command (however many bytes drip in), a budget of
 * bytes per command, one reason for its end, and hints of change that are not lost between commands.
 * One timer at most: commands never overlap, and a wait (IDLE, NOOP) uses the same one.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { ImapConnection } from '@mailstream/shared/imap/imap-client';
import type { ImapPhase } from '@mailstream/shared/imap/imap-fault-table';
import { closedFault, imapFault, imapFaultError } from '@mailstream/shared/imap/imap-faults';
import type { ImapFlow } from 'imapflow';
import { ImapIdle } from './imap-idle.ts';

export interface CommandLimits {
  readonly phase: ImapPhase;
  /** Over the whole command, milliseconds. */
  readonly deadlineMs: number;
  /** Most bytes the server may send until the command ends. */
  readonly maxBytes: number;
}

/** Longest wait that a throttling server may impose, milliseconds. */
const LONGEST_BACKOFF_MS = 15 * 60_000;

export class LiveClient {
  readonly client: ImapFlow;
  readonly clock: Clock;
  readonly idle: ImapIdle;
  /** See `ImapSession.closed`. */
  readonly closed: Promise<Fault | null>;
  /** Called at EXISTS, when IDLE ends, and at the end of the connection. */
  onChange: (() => void) | null = null;
  /** Called for every line of the server. */
  onLine: ((line: string) => void) | null = null;
  #hasNews = false;
  #arrived = 0;
  #fault: Fault | null = null;
  #isEndExpected = false;
  #isClosed = false;
  #cancelTimer: (() => void) | null = null;
  #bytesAllowed = Number.POSITIVE_INFINITY;
  readonly #wire: ImapConnection['wire'];
  readonly #secret: ImapConnection['secret'];

  constructor({ client, wire, secret }: Pick<ImapConnection, 'client' | 'wire' | 'secret'>, clock: Clock) {
    this.client = client;
    this.#secret = secret;
    this.clock = clock;
    this.idle = new ImapIdle(client, clock, () => this.onChange?.());
    this.#wire = wire;
    wire.onThrottled = (delayMs) => this.#throttled(delayMs);
    wire.onLine = (line) => this.#countLine(line);
    client.on('exists', ({ count, prevCount }: { readonly count: number; readonly prevCount: number }) => {
      this.#hasNews = true;
      this.#arrived += Math.max(0, count - prevCount);
      this.onChange?.();
    });
    client.on('error', (error) => {
      this.#fault ??= imapFault(error, 'working', [this.#secret()]);
    });
    this.closed = new Promise((resolve) => {
      client.once('close', () => resolve(this.#ended()));
      if (client.isClosed) resolve(this.#ended());
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True when EXISTS came since `forgetNews`. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** To be called before the mailbox is listed, not after: what comes meanwhile is news again. */
  forgetNews(): void {
    this.#hasNews = false;
  }

  /** Messages that EXISTS has told of since `folderOpens`, those included that are gone again. */
  get arrived(): number {
    return this.#arrived;
  }

  /** To be called before a folder is opened, not after: what comes meanwhile would be missed, and so is counted twice at most. */
  folderOpens(): void {
    this.#arrived = 0;
    this.forgetNews();
  }

  /** Runs one command. @throws FaultError; when a limit was passed, the connection is closed */
  async command<T>(limits: CommandLimits, run: () => Promise<T>): Promise<T> {
    this.assertAlive();
    this.limit(limits);
    try {
      const result = await run();
      this.assertAlive();
      return result;
    } catch (error) {
      throw this.failure(error, limits.phase);
    } finally {
      this.unlimit();
    }
  }

  /** Starts deadline and budget of a command that `command` cannot wrap, or a new stretch of one. */
  limit({ deadlineMs, maxBytes }: CommandLimits): void {
    this.#bytesAllowed = this.client.stats().received + maxBytes;
    this.setTimer(deadlineMs, () => {
      this.die({
        kind: 'transient',
        code: 'IMAP_TIMEOUT',
        detail: `no whole answer within ${deadlineMs} ms`,
      });
    });
  }

  unlimit(): void {
    this.#bytesAllowed = Number.POSITIVE_INFINITY;
    this.clearTimer();
  }

  setTimer(delayMs: number, action: () => void): void {
    this.clearTimer();
    this.#cancelTimer = this.clock.schedule(delayMs, action);
  }

  clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** The error behind a `false`, in methods of imapflow that report instead of throwing. */
  takeSwallowed(): unknown {
    return this.#wire.takeSwallowed() ?? new Error('imapflow reported failure without an error');
  }

  /** What to throw for `error`: the reason of our end where there is one, for the rest is its consequence. */
  failure(error: unknown, phase: ImapPhase): FaultError {
    return this.#fault === null
      ? imapFaultError(error, phase, [this.#secret()])
      : new FaultError(this.#fault, error);
  }

  /** @throws FaultError when the connection has ended, or the server has said BYE */
  assertAlive(): void {
    const saidBye = this.client.state === this.client.states.LOGOUT;
    if (!this.#isClosed && !saidBye && this.#fault === null) return;
    throw new FaultError(this.#fault ?? closedFault(this.client.byeReason, 'working', [this.#secret()]));
  }

  /** Closes now; null when the end is what the caller wants. The first reason stays. */
  die(fault: Fault | null): void {
    if (fault === null) this.#isEndExpected = true;
    else this.#fault ??= fault;
    this.client.close();
  }

  /**
   * Like `die`, from within imapflow's handling of a line, which has to end first: closing in the middle of it would leave
   * the wait for a throttled command, which begins after, without its end.
   */
  dieLater(fault: Fault): void {
    this.#fault ??= fault;
    this.client.closeAfter();
  }

  expectEnd(): void {
    this.#isEndExpected = true;
  }

  /** imapflow would wait, then repeat the command, up to four times: the wait is the listener's, with the lease alive. */
  #throttled(delayMs: number): void {
    this.dieLater({
      kind: 'throttled',
      code: 'IMAP_THROTTLED',
      detail: `the server asks for a pause of ${Math.round(delayMs)} ms`,
      retryAfterMs: Math.min(Math.max(delayMs, 0), LONGEST_BACKOFF_MS),
    });
  }

  #countLine(line: string): void {
    this.onLine?.(line);
    if (this.client.stats().received <= this.#bytesAllowed) return;
    this.#bytesAllowed = Number.POSITIVE_INFINITY;
    this.dieLater({
      kind: 'transient',
      code: 'IMAP_PROTOCOL',
      detail: 'the server sends far more than was asked for',
    });
  }

  #ended(): Fault | null {
    this.#isClosed = true;
    this.clearTimer();
    this.#wire.onLine = null;
    this.#wire.onThrottled = null;
    this.client.removeAllListeners('exists');
    this.#fault ??= closedFault(this.client.byeReason, 'working', [this.#secret()]);
    this.onChange?.();
    this.onChange = null;
    this.onLine = null;
    return this.#isEndExpected ? null : this.#fault;
  }
}
