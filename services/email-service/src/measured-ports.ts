/** Ports that count and time what goes through them. What they do is not touched. */
import type { Clock } from '@mailstream/shared/domain/time';
import { toFault } from '@mailstream/shared/errors/fault-error';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { HintClock } from './hint-clock.ts';
import { measuredConnector } from './measured-imap.ts';
import type { ImapConnector } from './ports/imap.ts';
import type { LeaseStore } from './ports/leases.ts';
import type { Ledger } from './ports/ledger.ts';
import type { MailProcessor } from './ports/mail.ts';
import type { EventPublisher } from './ports/stream.ts';

type Monotonic = Pick<Clock, 'monotonicMs'>;

export interface Measuring {
  connector(connector: ImapConnector): ImapConnector;
  leases(store: LeaseStore): LeaseStore;
  ledger(ledger: Ledger): Ledger;
  processor(processor: MailProcessor): MailProcessor;
  publisher(publisher: EventPublisher): EventPublisher;
}

/** For the ports of one process: what one of them hears, another one may need. */
export function measuring(metrics: Metrics, clock: Monotonic): Measuring {
  const hints = new HintClock();
  return {
    connector: (connector) => measuredConnector(connector, { metrics, clock, hints }),
    leases: (store) => measuredLeases(store, metrics, clock),
    ledger: (ledger) => measuredLedger(ledger, metrics, clock),
    processor: (processor) => measuredProcessor(processor, metrics, clock),
    publisher: (publisher) => measuredPublisher(publisher, metrics, clock, hints),
  };
}

/** Runs `work` and tells how long it took, with a name for its result or the code of its fault. */
async function timed<T>(
  clock: Monotonic,
  tell: (result: string, seconds: number) => void,
  work: () => Promise<T>,
  resultOf: (value: T) => string,
): Promise<T> {
  const begunMs = clock.monotonicMs();
  const seconds = (): number => (clock.monotonicMs() - begunMs) / 1000;
  try {
    const value = await work();
    tell(resultOf(value), seconds());
    return value;
  } catch (error) {
    tell(toFault(error).code, seconds());
    throw error;
  }
}

function measuredLeases(store: LeaseStore, metrics: Metrics, clock: Monotonic): LeaseStore {
  return {
    ...store,
    renew: (leases, owner, ttlMs) =>
      timed(
        clock,
        (result, seconds) => metrics.leaseRenewSeconds.observe({ result }, seconds),
        () => store.renew(leases, owner, ttlMs),
        () => 'done',
      ),
  };
}

function measuredLedger(ledger: Ledger, metrics: Metrics, clock: Monotonic): Ledger {
  return {
    ...ledger,
    async recordBatch(folder, term, batch) {
      const stored = await timed(
        clock,
        (result, seconds) => metrics.recordSeconds.observe({ result }, seconds),
        () => ledger.recordBatch(folder, term, batch),
        ({ kind }) => kind,
      );
      if (stored.kind !== 'stored') return stored;
      for (const { status, size, reason } of batch.messages) {
        metrics.messageBytes.observe(size);
        if (status === 'dead_letter') metrics.deadLetters.inc({ code: reason ?? 'INTERNAL' });
      }
      return stored;
    },
    async deadLetter(folder, term, row, reason) {
      const stored = await ledger.deadLetter(folder, term, row, reason);
      if (stored.kind === 'stored') metrics.deadLetters.inc({ code: reason });
      return stored;
    },
    async unpublished(folder, afterSeq, limit) {
      const rows = await ledger.unpublished(folder, afterSeq, limit);
      metrics.recoveries.inc({ kind: 'unpublished' }, rows.length);
      return rows;
    },
    async requeue(folder, term, rows) {
      const stored = await ledger.requeue(folder, term, rows);
      if (stored.kind === 'stored') metrics.recoveries.inc({ kind: 'lost' }, stored.count);
      return stored;
    },
  };
}

function measuredProcessor(processor: MailProcessor, metrics: Metrics, clock: Monotonic): MailProcessor {
  return {
    process: (...call) =>
      timed(
        clock,
        (result, seconds) => metrics.parseSeconds.observe({ result }, seconds),
        () => processor.process(...call),
        ({ mail }) => (mail.parseError === null ? 'done' : 'parse_error'),
      ),
    async processAll(mails, signal) {
      const begunMs = clock.monotonicMs();
      const outcomes = await processor.processAll(mails, signal);
      // They share a thread: none has a time of its own.
      const seconds = (clock.monotonicMs() - begunMs) / 1000 / Math.max(1, mails.length);
      for (const outcome of outcomes) {
        const result =
          outcome.kind === 'failed'
            ? toFault(outcome.error).code
            : outcome.mail.parseError === null
              ? 'done'
              : 'parse_error';
        metrics.parseSeconds.observe({ result }, seconds);
      }
      return outcomes;
    },
    barrier: () => processor.barrier(),
    processStored: (...call) => processor.processStored(...call),
  };
}

/** @param hints when the mail server first told of something in a folder */
function measuredPublisher(
  publisher: EventPublisher,
  metrics: Metrics,
  clock: Monotonic,
  hints: HintClock,
): EventPublisher {
  return {
    watermark: (folder) => publisher.watermark(folder),
    whereabouts: (folder, events) => publisher.whereabouts(folder, events),
    async publish(folder, entries) {
      const outcomes = await timed(
        clock,
        (result, seconds) => metrics.publishSeconds.observe({ result }, seconds),
        () => publisher.publish(folder, entries),
        (each) => (each.some(({ kind }) => kind === 'gap') ? 'gap' : 'done'),
      );
      const sinceMs = hints.since(folder);
      for (const { kind } of outcomes) {
        if (kind === 'gap') continue;
        metrics.messages.inc({ result: kind === 'appended' ? 'published' : 'duplicate' });
        if (kind === 'appended' && sinceMs !== null)
          metrics.visibleToPublishedSeconds.observe((clock.monotonicMs() - sinceMs) / 1000);
      }
      return outcomes;
    },
  };
}
