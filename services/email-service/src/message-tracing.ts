/**
 * Ports that tell a tracer what they did with each message. What they do is not touched, and where traces are off nothing of this is
 * in the way: `compose.ts` puts them around the adapters only then.
 */
import type { MessageKey } from '@mailstream/shared/domain/message';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { eventId } from '@mailstream/shared/events/email-received';
import {
  rootSpanIdOf,
  traceNowMs,
  type MessageTracer,
  type SpanFacts,
} from '@mailstream/shared/tracing/message-trace';
import type { FetchedMessage, ImapConnector, ImapSession, OpenedFolder } from './ports/imap.ts';
import type { Ledger } from './ports/ledger.ts';
import type { MailProcessor, ProcessedMail, ReceivedMail } from './ports/mail.ts';
import type { EventPublisher } from './ports/stream.ts';

/** Root spans that were made lately: a message that is fetched again goes on in its trace, below the same root. */
const MOST_ROOTS = 10_000;

/** A span of the message, from `startMs` until now. */
type Note = (name: 'fetch' | 'parse' | 'commit' | 'publish', work: Work) => void;

interface Work {
  readonly key: MessageKey;
  readonly startMs: number;
  readonly facts?: SpanFacts;
  readonly error?: unknown;
}

function noteFor(tracer: MessageTracer): Note {
  return (name, { key, startMs, facts = {}, error }) => {
    const id = eventId(key);
    if (!tracer.isTraced(id)) return;
    tracer.record({
      ...{ eventId: id, name, startMs, endMs: traceNowMs() },
      facts: { ...factsOf(key), ...facts },
      errorCode: error === undefined ? null : toFault(error).code,
    });
  };
}

function factsOf(key: MessageKey): SpanFacts {
  return { tenantId: key.tenant, providerId: key.providerId, uid: key.uid, uidValidity: key.uidValidity };
}

export function tracedConnector(connector: ImapConnector, tracer: MessageTracer): ImapConnector {
  const roots = new Set<string>();
  return {
    connect: async (provider, signal) =>
      new TracedSession(
        await connector.connect(provider, signal),
        tracer,
        (uid, opened, folder) => ({
          ...{ tenant: provider.tenant, providerId: provider.id, folder },
          ...{ uidValidity: opened.uidValidity, uid },
        }),
        roots,
      ),
  };
}

type KeyOf = (uid: number, opened: OpenedFolder, folder: string) => MessageKey;

class TracedSession implements ImapSession {
  readonly #session: ImapSession;
  readonly #tracer: MessageTracer;
  readonly #keyOf: KeyOf;
  readonly #roots: Set<string>;
  #open: { readonly opened: OpenedFolder; readonly folder: string } | null = null;

  constructor(session: ImapSession, tracer: MessageTracer, keyOf: KeyOf, roots: Set<string>) {
    this.#session = session;
    this.#tracer = tracer;
    this.#keyOf = keyOf;
    this.#roots = roots;
  }

  get capabilities(): readonly string[] {
    return this.#session.capabilities;
  }

  get closed(): ImapSession['closed'] {
    return this.#session.closed;
  }

  async open(folder: string): Promise<OpenedFolder> {
    const opened = await this.#session.open(folder);
    // By the name that was asked for, as the ledger calls it.
    this.#open = { opened, folder };
    return opened;
  }

  async *fetch(
    uids: readonly number[],
    firstBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<FetchedMessage> {
    const startMs = traceNowMs();
    for await (const message of this.#session.fetch(uids, firstBytes, signal)) {
      if (message.head !== null)
        this.#fetched(message.uid, startMs, { batchMessages: uids.length, bytes: message.head.length });
      yield message;
    }
  }

  async *fetchRest(
    uid: number,
    offset: number,
    chunkBytes: () => number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const startMs = traceNowMs();
    let bytes = offset;
    for await (const chunk of this.#session.fetchRest(uid, offset, chunkBytes, signal)) {
      bytes += chunk.length;
      yield chunk;
    }
    this.#fetched(uid, startMs, { bytes });
  }

  #fetched(uid: number, startMs: number, facts: SpanFacts): void {
    if (this.#open === null) return;
    const key = this.#keyOf(uid, this.#open.opened, this.#open.folder);
    const id = eventId(key);
    if (!this.#tracer.isTraced(id)) return;
    const isFirst = !this.#roots.has(id);
    if (isFirst) this.#remember(id);
    this.#tracer.record({
      ...{ eventId: id, name: 'fetch', startMs, endMs: traceNowMs(), errorCode: null },
      ...(isFirst ? { spanId: rootSpanIdOf(id), parentId: null } : {}),
      facts: { ...factsOf(key), ...facts },
    });
  }

  #remember(id: string): void {
    this.#roots.add(id);
    for (const oldest of this.#roots) {
      if (this.#roots.size <= MOST_ROOTS) return;
      this.#roots.delete(oldest);
    }
  }

  listUids(...asked: Parameters<ImapSession['listUids']>): ReturnType<ImapSession['listUids']> {
    return this.#session.listUids(...asked);
  }

  listUidsSince(day: string): ReturnType<ImapSession['listUidsSince']> {
    return this.#session.listUidsSince(day);
  }

  sizes(uids: readonly number[]): ReturnType<ImapSession['sizes']> {
    return this.#session.sizes(uids);
  }

  watch(...options: Parameters<ImapSession['watch']>): ReturnType<ImapSession['watch']> {
    return this.#session.watch(...options);
  }

  logout(): Promise<void> {
    return this.#session.logout();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/** @param processor one that tells when it did what (`isTimed`) */
export function tracedProcessor(processor: MailProcessor, tracer: MessageTracer): MailProcessor {
  const note = noteFor(tracer);
  const traced = async (key: MessageKey, work: () => Promise<ProcessedMail>): Promise<ProcessedMail> => {
    const startMs = traceNowMs();
    try {
      const processed = await work();
      processedIn(tracer, key, { ...processed, parseError: processed.mail.parseError });
      return processed;
    } catch (error) {
      note('parse', { key, startMs, error });
      throw error;
    }
  };
  return {
    process: (key, ...rest) => traced(key, () => processor.process(key, ...rest)),
    async processAll(mails, signal) {
      const startMs = traceNowMs();
      const outcomes = await processor.processAll(mails, signal);
      for (const [index, outcome] of outcomes.entries()) {
        const key = mails[index]?.key;
        if (key === undefined) continue;
        if (outcome.kind === 'received') processedIn(tracer, key, outcome.mail);
        else note('parse', { key, startMs, error: outcome.error });
      }
      return outcomes;
    },
    barrier: () => processor.barrier(),
    processStored: (key, ...rest) => traced(key, () => processor.processStored(key, ...rest)),
  };
}

function processedIn(
  tracer: MessageTracer,
  key: MessageKey,
  { timings, raw, parseError }: Pick<ReceivedMail, 'timings' | 'raw' | 'parseError'>,
): void {
  const id = eventId(key);
  if (timings === undefined || !tracer.isTraced(id)) return;
  const about = { eventId: id, errorCode: null };
  const facts = { ...factsOf(key), bytes: raw.size };
  const outcome = parseError === null ? 'read' : 'headers';
  tracer.record({
    ...{ ...about, name: 'parse', startMs: timings.startMs, endMs: timings.endMs },
    facts: { ...facts, outcome },
  });
  const { storeStartMs, storeEndMs } = timings;
  if (storeStartMs !== null && storeEndMs !== null)
    tracer.record({ ...about, name: 'store', startMs: storeStartMs, endMs: storeEndMs, facts });
}

export function tracedLedger(ledger: Ledger, tracer: MessageTracer): Ledger {
  const note = noteFor(tracer);
  return {
    ...ledger,
    async recordBatch(folder, term, batch) {
      const startMs = traceNowMs();
      const result = await ledger.recordBatch(folder, term, batch);
      if (result.kind === 'stored')
        for (const { uid, status } of batch.messages) {
          const { tenant, id: providerId, folder: name } = folder;
          const key = { tenant, providerId, folder: name, uidValidity: batch.state.uidValidity, uid };
          note('commit', { key, startMs, facts: { batchMessages: batch.messages.length, outcome: status } });
        }
      return result;
    },
  };
}

export function tracedPublisher(publisher: EventPublisher, tracer: MessageTracer): EventPublisher {
  return {
    ...publisher,
    async publish(folder, entries) {
      const startMs = traceNowMs();
      const outcomes = await publisher.publish(folder, entries);
      const endMs = traceNowMs();
      for (const [index, outcome] of outcomes.entries()) {
        const id = entries[index]?.entry.event_id;
        // What was there already, or had to wait for others, did not come onto the stream now.
        if (id === undefined || outcome.kind !== 'appended' || !tracer.isTraced(id)) continue;
        tracer.record({
          ...{ eventId: id, name: 'publish', startMs, endMs, errorCode: null },
          facts: { tenantId: folder.tenant, providerId: folder.id, batchMessages: entries.length },
        });
      }
      return outcomes;
    },
  };
}
