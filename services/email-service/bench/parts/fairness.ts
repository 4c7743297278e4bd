/**
 * What a quiet tenant notices while another tenant's mailbox works off a backlog of 100,000 messages: the p99 of its latency, to its
 * own p99 a moment before. The farm tells of new mail at once, so that what is compared is the daemon's time alone; each tenant has a
 * farm of its own, as they have mail servers of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFarm, type Farm } from '../farm/farm.ts';
import { quantile } from '../report/statistics.ts';
import { openSite } from '../world/site.ts';
import type { Part } from './part.ts';
import { watchStream, type StreamWatch } from './stream-watch.ts';

const BACKLOG_BYTES = 4_000;
const QUIET_BYTES = 2_000;
/** Between two messages of the quiet tenant. */
const PAUSE_MS = 20;
/** The first ones find caches cold. */
const WARM_UP = 30;
const PATIENCE_MS = 60_000;

export const fairness: Part = async ({ servers, sizes, say }) => {
  const { backlog, messages } = sizes.fairness;
  const [busyFarm, quietFarm] = await Promise.all([startFarm(), startFarm()]);
  const site = await openSite(servers);
  let stream: StreamWatch | null = null;
  try {
    const [busy] = await site.addMailboxes([
      { ...busyFarm, user: 'busy', password: 'secret', tenant: 1 },
      { ...quietFarm, user: 'quiet', password: 'secret', tenant: 2 },
    ]);
    const daemon = await site.startDaemon();
    await daemon.untilWatching(2, PATIENCE_MS);
    await quietFarm.untilIdle(1, PATIENCE_MS);
    stream = await watchStream(site.redis, site.stream);
    await quietDelays(quietFarm, stream, 'warm', WARM_UP);
    const alone = await quietDelays(quietFarm, stream, 'alone', messages);
    await busyFarm.deliver(['busy'], {
      ...{ count: backlog, bytes: BACKLOG_BYTES, kind: 'text', series: 'backlog' },
    });
    const received = async (): Promise<number> => {
      const [row] = await site.sql<{ count: number }>(
        'SELECT count(*)::int AS count FROM inbound_messages WHERE provider_id = $1',
        [busy?.id],
      );
      return row?.count ?? 0;
    };
    while ((await received()) === 0) await delay(PAUSE_MS);
    const begun = { at: performance.now(), count: await received() };
    const beside = await quietDelays(quietFarm, stream, 'beside', messages);
    const ended = { at: performance.now(), count: await received() };
    if (ended.count >= backlog)
      throw new Error('the backlog was worked off before the quiet tenant was measured');
    const rate = (ended.count - begun.count) / ((ended.at - begun.at) / 1000);
    const ratio = quantile(beside, 0.99) / quantile(alone, 0.99);
    say(`  p99 alone ${quantile(alone, 0.99).toFixed(1)} ms, beside ${quantile(beside, 0.99).toFixed(1)} ms`);
    const values = (of: readonly number[], share: number): readonly number[] => [quantile(of, share)];
    return {
      figures: { fairness: { quietP99Ratio: ratio } },
      series: [
        { name: 'fairness: quiet tenant alone p50', unit: 'ms', values: values(alone, 0.5) },
        { name: 'fairness: quiet tenant alone p99', unit: 'ms', values: values(alone, 0.99) },
        { name: 'fairness: beside the backlog p50', unit: 'ms', values: values(beside, 0.5) },
        { name: 'fairness: beside the backlog p99', unit: 'ms', values: values(beside, 0.99) },
        { name: 'fairness: the backlog meanwhile', unit: 'msg/s', values: [rate] },
      ],
    };
  } finally {
    stream?.close();
    await site.close();
    await Promise.all([busyFarm.close(), quietFarm.close()]);
  }
};

/** One message after the other. */
async function quietDelays(
  farm: Farm,
  stream: StreamWatch,
  series: string,
  count: number,
): Promise<readonly number[]> {
  const delays: number[] = [];
  // UIDs go on over the series, and subjects hold the UID.
  const from = firstUids.get(farm) ?? 1;
  firstUids.set(farm, from + count);
  for (let n = 0; n < count; n += 1) {
    const seen = stream.next(`${series}-${from + n}`);
    const toldMs = await farm.deliver(['quiet'], { count: 1, bytes: QUIET_BYTES, kind: 'text', series });
    delays.push((await seen) - toldMs);
    await delay(PAUSE_MS);
  }
  return delays;
}

const firstUids = new WeakMap<Farm, number>();
