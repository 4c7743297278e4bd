/**
 * What a quiet tenant notices while another tenant's mailbox works off a backlog of 100,000 messages: the p99 of its latency, to its
 * own p99 a moment before. The farm tells of new mail at once, so that what is compared is the daemon's time alone; each tenant has a
 * farm of its own, as they have mail servers of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFarm, type Farm } from '../farm/farm.ts';
import { median, quantile } from '../report/statistics.ts';
import { openSite } from '../world/site.ts';
import type { Part, PartContext } from './part.ts';
import { watchStream, type StreamWatch } from './stream-watch.ts';

const BACKLOG_BYTES = 4_000;
const QUIET_BYTES = 2_000;
/** Between two messages of the quiet tenant. */
const PAUSE_MS = 20;
/** The first ones find caches cold. */
const WARM_UP = 30;
const PATIENCE_MS = 60_000;

interface FairnessRun {
  readonly alone: readonly number[];
  readonly beside: readonly number[];
  /** Of the backlog meanwhile, messages a second. */
  readonly rate: number;
}

export const fairness: Part = async ({ servers, sizes, say }) => {
  const runs: FairnessRun[] = [];
  for (let run = 1; run <= sizes.fairness.runs; run += 1) {
    const result = await runOnce(servers, sizes.fairness);
    runs.push(result);
    const [alone, beside] = [result.alone, result.beside].map((delays) => quantile(delays, 0.99).toFixed(1));
    say(`  run ${run}: p99 alone ${alone} ms, beside ${beside} ms`);
  }
  const ratios = runs.map(({ alone, beside }) => quantile(beside, 0.99) / quantile(alone, 0.99));
  const alone = (share: number): readonly number[] => runs.map((run) => quantile(run.alone, share));
  const beside = (share: number): readonly number[] => runs.map((run) => quantile(run.beside, share));
  return {
    figures: { fairness: { quietP99Ratio: median(ratios) } },
    series: [
      { name: 'fairness: quiet tenant alone p50', unit: 'ms', values: alone(0.5) },
      { name: 'fairness: quiet tenant alone p99', unit: 'ms', values: alone(0.99) },
      { name: 'fairness: beside the backlog p50', unit: 'ms', values: beside(0.5) },
      { name: 'fairness: beside the backlog p99', unit: 'ms', values: beside(0.99) },
      { name: 'fairness: ratio of the p99', unit: 'x', values: ratios },
      { name: 'fairness: the backlog meanwhile', unit: 'msg/s', values: runs.map(({ rate }) => rate) },
    ],
  };
};

async function runOnce(
  servers: PartContext['servers'],
  { backlog, messages }: PartContext['sizes']['fairness'],
): Promise<FairnessRun> {
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
    return { alone, beside, rate: (ended.count - begun.count) / ((ended.at - begun.at) / 1000) };
  } finally {
    stream?.close();
    await site.close();
    await Promise.all([busyFarm.close(), quietFarm.close()]);
  }
}

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
