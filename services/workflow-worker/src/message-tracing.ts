/**
 * What the worker does with each event, told to a tracer. `compose.ts` puts these around handler and inbox where traces are on, and
 * nothing of it is there where they are off.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { toFault } from '@mailstream/shared/errors/fault-error';
import { traceNowMs, type MessageTracer } from '@mailstream/shared/tracing/message-trace';
import type { EntryHandler } from './entry-handler.ts';
import type { Inbox } from './ports.ts';

/** Id of the span of the entry that is being handled. */
const handling = new AsyncLocalStorage<string>();

export function tracedHandler(handle: EntryHandler, tracer: MessageTracer): EntryHandler {
  return async (inHand, visit) => {
    const { decoded, entry } = inHand;
    if (decoded.kind !== 'email' || !tracer.isTraced(decoded.message.eventId)) return handle(inHand, visit);
    const { eventId, tenant, providerId } = decoded.message;
    const spanId = randomBytes(8).toString('hex');
    const startMs = traceNowMs();
    // An entry's id begins with the time of its append, by the Redis server's clock.
    const queueMs = Math.max(0, startMs - Number.parseInt(entry.id, 10));
    const settlement = await handling.run(spanId, () => handle(inHand, visit));
    tracer.record({
      ...{ eventId, name: 'process', spanId, startMs, endMs: traceNowMs(), errorCode: null },
      facts: { tenantId: tenant, providerId, outcome: settlement.kind, queueMs: Math.round(queueMs) },
    });
    return settlement;
  };
}

export function tracedInbox(inbox: Inbox, tracer: MessageTracer): Inbox {
  return {
    ...inbox,
    apply: async (message, options) => {
      const { eventId, tenant, providerId } = message;
      const parentId = handling.getStore();
      if (parentId === undefined) return inbox.apply(message, options);
      const startMs = traceNowMs();
      const note = (outcome: string, errorCode: string | null): void =>
        tracer.record({
          ...{ eventId, name: 'ticket', parentId, startMs, endMs: traceNowMs(), errorCode },
          facts: { tenantId: tenant, providerId, outcome },
        });
      try {
        const outcome = await inbox.apply(message, options);
        note(outcome.kind, null);
        return outcome;
      } catch (error) {
        note('failed', toFault(error).code);
        throw error;
      }
    },
  };
}
