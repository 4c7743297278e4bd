/**
 * IDLE (RFC 2177, RFC 9051 section 6.3.13) of one connection, again and again for as long as it lives.
 *
 *            start          "+"            another command
 *     off ─────────▶ asked ─────▶ running ─────────────────▶ ending
 *      ▲               └─ another command, then "+" ─────────▶ │
 *      └───── tagged answer, or the end of the connection ─────┘
 *
 * What always holds: one IDLE at a time; DONE is sent once for each, and never before the server has said "+"; a command that wants the
 * connection goes on when DONE is sent, or when IDLE is over without it.
 *
 * imapflow has an IDLE of its own: five functions that wait until it ends, begun anew for each. Most of what ten thousand idle
 * folders leave to the garbage collector was that, because it lives too long for a collection of young objects (issue 7). Here
 * everything but the command itself is made once. It takes the place that imapflow has for its own: `preCheck` is what every
 * command of imapflow waits for before it is sent; `imap-idle.real.test.ts` fails where another release does it otherwise.
 */
import type { Clock } from '@mailstream/shared/domain/time';
import type { ImapFlow } from 'imapflow';

/** What imapflow does not document. */
interface Internals {
  /** Awaited before each command; rejects when the connection is lost. */
  preCheck: (() => Promise<void>) | false;
  /** An IDLE is no command that is stuck, for imapflow's watchdog over the socket. */
  idling: boolean;
  /** A command on the wire. `next` lets imapflow read on. @throws as a rejection, for NO, BAD and a lost connection */
  exec(
    command: 'IDLE',
    attributes: false,
    options: { readonly onPlusTag: () => void },
  ): Promise<{ next(): void }>;
  write(line: string): void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class ImapIdle {
  readonly #client: Internals;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #stage: 'off' | 'asked' | 'running' | 'ending' = 'off';
  #sinceMs = 0;
  #wasRefused = false;
  /** Commands that came before the server's "+". */
  #waiting: Waiting[] | null = null;
  readonly #options = { onPlusTag: (): void => this.#begun() };
  readonly #breakOff = (): Promise<void> => this.#makeWay();
  readonly #done = ({ next }: { next(): void }): void => {
    this.#over(false);
    next();
  };
  readonly #failed = (error: unknown): void => this.#over(true, error);

  /** @param onOver called whenever an IDLE is over, for whatever reason */
  constructor(client: ImapFlow, clock: Clock, onOver: () => void) {
    this.#client = client as unknown as Internals;
    this.#clock = clock;
    this.#onOver = onOver;
  }

  get isOver(): boolean {
    return this.#stage === 'off';
  }

  /** Monotonic time at which the last one was asked for, milliseconds. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** True when the last one ended with NO or BAD, or with the connection. */
  get wasRefused(): boolean {
    return this.#wasRefused;
  }

  /** Asks for IDLE unless it runs. It goes on until the next command, or until the server ends it. */
  start(): void {
    if (this.#stage !== 'off') return;
    this.#stage = 'asked';
    this.#sinceMs = this.#clock.monotonicMs();
    this.#wasRefused = false;
    this.#client.idling = true;
    this.#client.preCheck = this.#breakOff;
    this.#client.exec('IDLE', false, this.#options).then(this.#done, this.#failed);
  }

  #begun(): void {
    if (this.#stage !== 'asked') return;
    this.#stage = 'running';
    if (this.#waiting === null) return;
    try {
      this.#sendDone();
    } catch {
      // The connection is gone, and IDLE fails with it: so do those that wait.
      return;
    }
    this.#letGo();
  }

  async #makeWay(): Promise<void> {
    if (this.#stage === 'running') this.#sendDone();
    if (this.#stage !== 'asked') return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
  }

  #sendDone(): void {
    this.#client.write('DONE');
    this.#stage = 'ending';
    this.#stepAside();
  }

  #over(wasRefused: boolean, error?: unknown): void {
    this.#stage = 'off';
    this.#wasRefused = wasRefused;
    this.#stepAside();
    this.#letGo(isAnswer(error) ? undefined : error);
    this.#onOver();
  }

  #stepAside(): void {
    this.#client.idling = false;
    if (this.#client.preCheck === this.#breakOff) this.#client.preCheck = false;
  }

  #letGo(error?: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const { resolve, reject } of waiting ?? []) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }
}

/** The server has refused IDLE, and takes other commands. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && 'responseStatus' in error;
}
