/** Delivers numbered messages over LMTP, through whatever happens to the mail server, and remembers which ones it took. */
import { setTimeout as delay } from 'node:timers/promises';
import { openDelivery, type DeliverySession } from '@mailstream/shared/testing/deliver';
import type { Mailbox } from './mailboxes.ts';
import { numberedMessage } from './message.ts';
import type { Random } from './random.ts';

export interface Accepted {
  readonly key: string;
  /** Of the 250, milliseconds since 1970. */
  readonly at: number;
}

export interface Senders {
  /** What the server answered with 250. */
  readonly accepted: ReadonlyMap<string, Accepted>;
  /** Sent without an answer: they may be in a mailbox or not. */
  readonly unknown: ReadonlySet<string>;
  /** The stream of messages. */
  begin(): void;
  /** One more message for a mailbox; tries with new numbers until one is accepted. @returns its key */
  sendOne(mailbox: Mailbox): Promise<string>;
  /** Ends the stream of messages. */
  stop(): Promise<void>;
}

const RETRY_MS = 200;
/** A delivery that takes longer than this is given up as unknown. */
const ANSWER_PATIENCE_MS = 5_000;

export function createSenders(options: {
  readonly port: number;
  readonly mailboxes: readonly Mailbox[];
  /** Of all mailboxes together; 0 for none before `sendOne`. */
  readonly perSecond: number;
  readonly random: Random;
}): Senders {
  const { port, mailboxes, random } = options;
  const accepted = new Map<string, Accepted>();
  const unknown = new Set<string>();
  const numbers = new Map<Mailbox, number>();
  const stopping = new AbortController();
  let session: DeliverySession | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const attempt = async (mailbox: Mailbox): Promise<string | null> => {
    const n = (numbers.get(mailbox) ?? 0) + 1;
    numbers.set(mailbox, n);
    const { key, raw } = numberedMessage({ tenant: mailbox.tenantIndex, mailbox: mailbox.index, n }, random);
    try {
      session ??= await withPatience(openDelivery({ host: '127.0.0.1', port }));
      unknown.add(key);
      await withPatience(session.send({ from: 'sender@chaos.test', to: `${mailbox.user}@chaos.test`, raw }));
      accepted.set(key, { key, at: Date.now() });
      unknown.delete(key);
      return key;
    } catch {
      session?.close();
      session = null;
      return null;
    }
  };
  /** One at a time: a connection carries one message after the other. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted && options.perSecond > 0) {
      // In bursts: a folder gets several at once, as after a weekend.
      const mailbox = random.pick(mailboxes);
      const burst = random.next() < 0.15 ? random.between(5, 12) : 1;
      let sent = 0;
      for (; sent < burst; sent += 1) if ((await inTurn(() => attempt(mailbox))) === null) break;
      const waitMs = sent === 0 ? RETRY_MS : (1000 * sent) / options.perSecond;
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  let running: Promise<void> = Promise.resolve();

  return {
    accepted,
    unknown,
    begin: () => {
      running = run();
    },
    sendOne: async (mailbox) => {
      const deadline = Date.now() + 60_000;
      for (;;) {
        const key = await inTurn(() => attempt(mailbox));
        if (key !== null) return key;
        if (Date.now() > deadline) throw new Error('the mail server takes no messages');
        await delay(RETRY_MS);
      }
    },
    stop: async () => {
      stopping.abort();
      await running;
      await turn;
      session?.close();
      session = null;
    },
  };
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const expired = delay(ANSWER_PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error('no answer');
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    timer.abort();
    expired.catch(() => undefined);
  }
}
