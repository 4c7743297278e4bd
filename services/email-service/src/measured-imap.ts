/** IMAP connections that are counted and timed. What they do is not touched. */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import type { HintClock } from './hint-clock.ts';
import type { FetchedMessage, ImapConnector, ImapSession, OpenedFolder } from './ports/imap.ts';
import type { FolderRef, ProviderRef } from './ports/leases.ts';

interface Measures {
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly hints: HintClock;
}

export function measuredConnector(connector: ImapConnector, measures: Measures): ImapConnector {
  const { metrics, clock } = measures;
  return {
    async connect(provider, signal) {
      const begunMs = clock.monotonicMs();
      try {
        const session = await connector.connect(provider, signal);
        return new MeasuredSession(session, provider, begunMs, measures);
      } catch (error) {
        const seconds = (clock.monotonicMs() - begunMs) / 1000;
        metrics.connectSeconds.observe({ result: toFault(error).code }, seconds);
        throw error;
      }
    },
  };
}

/** A class: thousands of these idle in one process. */
class MeasuredSession implements ImapSession {
  readonly closed: Promise<Fault | null>;
  readonly #session: ImapSession;
  readonly #provider: ProviderRef;
  readonly #measures: Measures;
  /** Null once the first folder is open. */
  #dialledMs: number | null;
  #folder: FolderRef | null = null;

  constructor(session: ImapSession, provider: ProviderRef, dialledMs: number, measures: Measures) {
    this.#session = session;
    this.#provider = provider;
    this.#dialledMs = dialledMs;
    this.#measures = measures;
    measures.metrics.connections.inc();
    this.closed = session.closed.finally(() => {
      measures.metrics.connections.dec();
      if (this.#folder !== null) measures.hints.settled(this.#folder);
    });
  }

  get capabilities(): readonly string[] {
    return this.#session.capabilities;
  }

  async open(folder: string): Promise<OpenedFolder> {
    const { metrics, clock } = this.#measures;
    const tell = (result: string): void => {
      if (this.#dialledMs === null) return;
      metrics.connectSeconds.observe({ result }, (clock.monotonicMs() - this.#dialledMs) / 1000);
      this.#dialledMs = null;
    };
    try {
      const opened = await this.#session.open(folder);
      tell('connected');
      this.#folder = { tenant: this.#provider.tenant, id: this.#provider.id, folder };
      return opened;
    } catch (error) {
      tell(toFault(error).code);
      throw error;
    }
  }

  listUids(from: number, exact: readonly number[]): Promise<readonly number[]> {
    return this.#session.listUids(from, exact);
  }

  listUidsSince(day: string): Promise<readonly number[]> {
    return this.#session.listUidsSince(day);
  }

  sizes(uids: readonly number[]): ReturnType<ImapSession['sizes']> {
    return this.#session.sizes(uids);
  }

  /** Only the waiting for the server counts, not what the reader does between two messages. */
  async *fetch(
    uids: readonly number[],
    firstBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<FetchedMessage> {
    const { metrics, clock } = this.#measures;
    const messages = this.#session.fetch(uids, firstBytes, signal)[Symbol.asyncIterator]();
    let waitedMs = 0;
    let result = 'cut_short';
    try {
      for (;;) {
        const begunMs = clock.monotonicMs();
        const next = await messages.next();
        waitedMs += clock.monotonicMs() - begunMs;
        if (next.done === true) {
          result = 'done';
          return;
        }
        yield next.value;
      }
    } catch (error) {
      result = toFault(error).code;
      throw error;
    } finally {
      if (result === 'cut_short') await messages.return?.();
      metrics.fetchSeconds.observe({ result }, waitedMs / 1000);
    }
  }

  fetchRest(...call: Parameters<ImapSession['fetchRest']>): AsyncIterable<Uint8Array> {
    return this.#session.fetchRest(...call);
  }

  async watch(options: Parameters<ImapSession['watch']>[0]): ReturnType<ImapSession['watch']> {
    const { clock, hints } = this.#measures;
    if (this.#folder !== null) hints.settled(this.#folder);
    const outcome = await this.#session.watch(options);
    if (outcome === 'changed' && this.#folder !== null) hints.hinted(this.#folder, clock.monotonicMs());
    return outcome;
  }

  logout(): Promise<void> {
    return this.#session.logout();
  }

  destroy(): void {
    this.#session.destroy();
  }
}
