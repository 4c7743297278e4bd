import type { Redis } from 'ioredis';
import { streamName } from '@mailstream/shared/events/email-received';
import type { StoreIdentity } from '../ports.ts';
import { watermarkKey } from './redis-publisher.ts';

/**
 * `run_id` changes with every start of the server and with a failover. An emptied database keeps it, so the watermarks and the
 * position of the global stream are looked at too: neither ever goes back by itself.
 */
export function createRedisIdentity(
  redis: Redis,
  /** Id of the last entry that this process appended to the global stream; `0-0` before the first. */
  lastAppended: () => string,
): StoreIdentity {
  const stream = streamName('', false);
  return {
    read: async () => {
      // Before the look at Redis: what was appended by then must be there.
      const appended = lastAppended();
      const info = await redis.info('server');
      const runId = /^run_id:(\S+)/m.exec(info)?.[1] ?? '';
      const marks = await redis.hlen(watermarkKey(stream));
      const last = (await redis.exists(stream)) === 0 ? '0-0' : await lastGeneratedId(redis, stream);
      return JSON.stringify({ runId, marks, last, appended });
    },
    continues: (before, now) => {
      const [was, is] = [parse(before), parse(now)];
      return (
        was.runId === is.runId &&
        is.marks >= was.marks &&
        !isBelow(is.last, was.last) &&
        !isBelow(is.last, is.appended)
      );
    },
  };
}

interface Seen {
  readonly runId: string;
  readonly marks: number;
  readonly last: string;
  readonly appended: string;
}

function parse(text: string): Seen {
  return JSON.parse(text) as Seen;
}

async function lastGeneratedId(redis: Redis, stream: string): Promise<string> {
  const reply = (await redis.xinfo('STREAM', stream)) as unknown[];
  const id = reply[reply.indexOf('last-generated-id') + 1];
  return typeof id === 'string' ? id : '0-0';
}

function isBelow(a: string, b: string): boolean {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  return BigInt(aMs) < BigInt(bMs) || (aMs === bMs && BigInt(aSeq) < BigInt(bSeq));
}
