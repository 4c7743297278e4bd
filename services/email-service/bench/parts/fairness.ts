/**
 * What a quiet tenant notices while another tenant's mailbox works off a backlog of 100,000 messages: the p99 of its latency, to its
 * own p99 a moment before. The farm tells of new mail at once, so that what is compared is the daemon's time alone; each tenant has a
 * farm of its own, as they have mail servers of their own.
 *
 * Mail comes at a steady pace, whether the one before it was seen or not: a stall is felt by each mail that came in it. When an entry
 * was appended its own id tells, and the stream is read afterwards: a reader that follows two thousand entries a second has a part of
 * the two cores, and sees the quiet tenant's entry when it has read those before it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { monotonicMs, startFarm, type Farm } from '../farm/farm.ts';
import { median, quantile } from '../report/statistics.ts';
import { openSite, type Site } from '../world/site.ts';
import type { Part, PartContext } from './part.ts';
import { entriesAfter, lastEntryId } from './stream-watch.ts';

const BACKLOG_BYTES = 4_000;
const QUIET_BYTES = 2_000;
/** From one message of the quiet tenant to the next. */
const PACE_MS = 40;
/** The first ones find caches cold. */
const WARM_UP = 30;
const PATIENCE_MS = 60_000;
/** Between two looks at the ledger. */
const ASK_EVERY_MS = 50;

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
  try {
    const [busy, quiet] = await site.addMailboxes([
      { ...busyFarm, user: 'busy', password: 'secret', tenant: 1 },
      { ...quietFarm, user: 'quiet', password: 'secret', tenant: 2 },
    ]);
    if (busy === undefined || quiet === undefined) throw new Error('a mailbox is missing');
    const daemon = await site.startDaemon();
    await daemon.untilWatching(2, PATIENCE_MS);
    await quietFarm.untilIdle(1, PATIENCE_MS);
    const mailbox = new QuietMailbox(site, quietFarm, quiet.id);
    await mailbox.delays('warm', WARM_UP);
    const alone = await mailbox.delays('alone', messages);
    await busyFarm.deliver(['busy'], {
      ...{ count: backlog, bytes: BACKLOG_BYTES, kind: 'text', series: 'backlog' },
    });
    const received = (): Promise<number> => countOf(site, busy.id, ['received', 'published']);
    while ((await received()) === 0) await delay(ASK_EVERY_MS);
    const begun = { atMs: performance.now(), count: await received() };
    let ended = begun;
    const beside = await mailbox.delays('beside', messages, async () => {
      ended = { atMs: performance.now(), count: await received() };
      // Reading the stream is quicker without it, and nothing is measured any more.
      await daemon.kill();
    });
    if (ended.count >= backlog)
      throw new Error('the backlog was worked off before the quiet tenant was measured');
    return { alone, beside, rate: ((ended.count - begun.count) * 1000) / (ended.atMs - begun.atMs) };
  } finally {
    await site.close();
    await Promise.all([busyFarm.close(), quietFarm.close()]);
  }
}

class QuietMailbox {
  readonly #site: Site;
  readonly #farm: Farm;
  readonly #provider: string;
  /** UIDs go on over the series, and subjects hold the UID. */
  #sent = 0;

  constructor(site: Site, farm: Farm, provider: string) {
    this.#site = site;
    this.#farm = farm;
    this.#provider = provider;
  }

  /**
   * @param published when all of them are on the stream
   * @returns of each message, milliseconds from the farm's telling to the append
   */
  async delays(series: string, count: number, published?: () => Promise<void>): Promise<readonly number[]> {
    const { redis, stream } = this.#site;
    const before = await lastEntryId(redis, stream);
    const told = await this.#send(series, count);
    const deadline = performance.now() + PATIENCE_MS;
    while ((await countOf(this.#site, this.#provider, ['published'])) < this.#sent) {
      if (performance.now() > deadline) throw new Error(`not all of ${series} are published`);
      await delay(ASK_EVERY_MS);
    }
    await published?.();
    return await delaysOf(told, { redis, stream, before });
  }

  /** @returns by subject, when the farm told of it, milliseconds since 1970 */
  async #send(series: string, count: number): Promise<ReadonlyMap<string, number>> {
    const told = new Map<string, number>();
    const sinceEpochMs = performance.timeOrigin + performance.now() - monotonicMs();
    const begunMs = performance.now();
    for (let n = 0; n < count; n += 1) {
      await delay(Math.max(0, begunMs + n * PACE_MS - performance.now()));
      this.#sent += 1;
      const subject = `${series}-${this.#sent}`;
      const arrival = { count: 1, bytes: QUIET_BYTES, kind: 'text', series } as const;
      told.set(subject, (await this.#farm.deliver(['quiet'], arrival)) + sinceEpochMs);
    }
    return told;
  }
}

async function delaysOf(
  told: ReadonlyMap<string, number>,
  { redis, stream, before }: { readonly redis: Redis; readonly stream: string; readonly before: string },
): Promise<readonly number[]> {
  const delays: number[] = [];
  for await (const { subject, atMs } of entriesAfter(redis, stream, before)) {
    const toldMs = told.get(subject);
    if (toldMs !== undefined) delays.push(atMs - toldMs);
  }
  if (delays.length !== told.size) throw new Error(`${delays.length} of ${told.size} entries were found`);
  return delays;
}

async function countOf(site: Site, provider: string, statuses: readonly string[]): Promise<number> {
  const [row] = await site.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM inbound_messages WHERE provider_id = $1 AND status = ANY ($2)',
    [provider, statuses],
  );
  return row?.count ?? 0;
}
