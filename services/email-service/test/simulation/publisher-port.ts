/** EventPublisher on the modelled Redis: the append script, pipelined; each entry of a pipeline may fail on its own. */
import type { FolderRef } from '../../src/ports/leases.ts';
import type { EventPublisher, PublishOutcome, SequencedEntry } from '../../src/ports/stream.ts';
import type { PortContext } from './lease-port.ts';
import { UNPROCESSABLE } from './processor-port.ts';
import { EPOCH_MS } from './process-model.ts';
import type { Random } from './random.ts';
import type { RedisModel } from './redis-model.ts';
import type { Scheduler } from './scheduler.ts';

export interface PublisherContext extends PortContext {
  readonly redis: RedisModel;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Told of each entry that this process knows to be appended. */
  onAppended(entryId: string): void;
}

/** As in adapters/redis-stream-search.ts. */
const CLOCK_SLACK_MS = 60_000;
/** With the mutation `trimByLength`. */
const TRIMMED_LENGTH = 3;

export function createPublisherPort(context: PublisherContext): EventPublisher {
  const { process, network, redis, scheduler } = context;
  const keyOf = (folder: FolderRef): string => `${folder.id}/${folder.folder}`;
  return {
    watermark: (folder) =>
      network.call(process, redis.link, 'watermark', () => redis.state.watermarks.get(keyOf(folder)) ?? 0),

    whereabouts: async (_folder, events) => {
      // Two round trips, as the adapter does it: what it reads is not of one moment.
      const located = await network.call(process, redis.link, 'locate', () => ({
        passedUpTo: redis.state.group?.lastDelivered ?? null,
        entries: events.map(({ eventId, entryId, publishedAt }) => ({
          eventId,
          id:
            entryId === null
              ? (redis.state.entries.find(
                  (entry) =>
                    entry.eventId === eventId &&
                    EPOCH_MS + entry.atMs >= publishedAt.getTime() - CLOCK_SLACK_MS,
                )?.id ?? null)
              : Number.parseInt(entryId, 10),
        })),
      }));
      return await network.call(process, redis.link, 'whereabouts', () => {
        const gone = new Set<string>();
        const inHand = new Set<string>();
        for (const { eventId, id } of located.entries) {
          const isThere = id !== null && redis.state.entries.some((entry) => entry.id === id);
          const isPassed = isThere && located.passedUpTo !== null && id <= located.passedUpTo;
          const isPending = isThere && (redis.state.group?.pending.has(id) ?? false);
          if (!isThere || (isPassed && !isPending)) gone.add(eventId);
          else if (isPending) inHand.add(eventId);
        }
        return { gone, inHand };
      });
    },

    publish: (folder, entries) =>
      new Promise((resolve, reject) => {
        const { generation } = redis.link;
        const outcomes: (PublishOutcome | 'refused')[] = [];
        // Where the connection breaks: before this entry; its neighbours before it have taken effect.
        const { rates } = network;
        const isCut =
          rates.unknown + rates.refused > 0 && context.random.chance(rates.unknown + rates.refused);
        const cutAt = isCut ? context.random.between(0, entries.length) : Infinity;
        const fail = (): void => {
          scheduler.after(network.delayMs(), process, 'publish fails', () => {
            if (context.mutations.blindPublish) resolve(entries.map(() => ({ kind: 'duplicate' })));
            else reject(redis.link.error());
          });
        };
        const next = (index: number): void => {
          if (process.isCut) return;
          if (redis.link.isDown || redis.link.generation !== generation || index >= cutAt) return fail();
          const entry = entries[index];
          if (entry !== undefined) {
            const outcome = append(context, keyOf(folder), entry);
            scheduler.note(`  ${process.name} append ${entry.publishSeq} → ${JSON.stringify(outcome)}`);
            outcomes.push(outcome);
            if (rates.crash > 0 && context.random.chance(rates.crash)) return network.onCrash(process);
            scheduler.after(0.05, null, '', () => next(index + 1));
            return;
          }
          scheduler.after(network.delayMs(), process, 'publish replies', () => {
            const known = outcomes.filter((outcome) => outcome !== 'refused');
            if (context.mutations.blindPublish && known.length < entries.length)
              return resolve(entries.map(() => ({ kind: 'duplicate' })));
            if (redis.link.generation !== generation || known.length < entries.length)
              return reject(redis.link.error());
            for (const outcome of known) if (outcome.kind === 'appended') context.onAppended(outcome.entryId);
            resolve(known);
          });
        };
        scheduler.after(network.delayMs(), null, '', () => next(0));
      }),
  };
}

function append(
  { redis, scheduler, network, random, mutations }: PublisherContext,
  folderKey: string,
  { publishSeq, previousSeq, entry }: SequencedEntry,
): PublishOutcome | 'refused' {
  const mark = redis.state.watermarks.get(folderKey) ?? 0;
  if (publishSeq <= mark && !mutations.noWatermark) return { kind: 'duplicate' };
  if (mark < previousSeq && !mutations.noGapCheck) return { kind: 'gap', watermark: mark };
  // -OOM: the script fails at XADD, the next entry of the pipeline is tried all the same.
  if (redis.isFull) return 'refused';
  if (network.rates.entryRefused > 0 && random.chance(network.rates.entryRefused)) return 'refused';
  redis.remember();
  const id = redis.append({
    eventId: entry.event_id,
    folderKey,
    publishSeq,
    atMs: scheduler.nowMs,
    isUnprocessable: entry.payload_json.includes(UNPROCESSABLE),
  });
  redis.state.watermarks.set(folderKey, publishSeq);
  if (mutations.trimByLength) redis.state.entries.splice(0, redis.state.entries.length - TRIMMED_LENGTH);
  return { kind: 'appended', entryId: `${id}-0` };
}
