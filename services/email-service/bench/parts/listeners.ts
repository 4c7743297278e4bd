/**
 * What an idle listener costs, on the farm: memory above that of a daemon without mailboxes, and processor time over a whole cycle of
 * looks and renewals. With growing counts it shows whether the cost of one stays the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFarm } from '../farm/farm.ts';
import { median, type Series } from '../report/statistics.ts';
import { cpuMs, residentKib } from '../world/process-figures.ts';
import type { Servers } from '../world/servers.ts';
import { openSite } from '../world/site.ts';
import { idleUsers, openFleet, withBareFleet, type Fleet, type IdleServer } from './idle-fleet.ts';
import type { Part } from './part.ts';

/** What connecting left is collected (V8 looks for it again and again for a minute), and what is due at the beginning is done. */
const SETTLE_MS = 75_000;
/** Of bare clients memory alone is read. */
const BARE_SETTLE_MS = 5_000;
const READINGS = 10;

interface Idle {
  readonly count: number;
  readonly kibEach: number;
  readonly bareKibEach: number;
  readonly cpuPercent: number;
  readonly residentMib: number;
}

export const listeners: Part = async ({ servers, sizes, say }) => {
  const { groups, windowMs } = sizes.listeners;
  const settleMs = Math.min(SETTLE_MS, windowMs);
  const emptyKib = await emptyDaemonKib(servers, settleMs);
  const found: Idle[] = [];
  for (const counts of groups) {
    const group = await measure({ servers, counts, windowMs, settleMs, emptyKib, say });
    found.push(...group);
    for (const { count, kibEach, cpuPercent } of group)
      say(`  ${count}: ${kibEach.toFixed(1)} KiB each, ${cpuPercent.toFixed(2)} % of a core`);
  }
  const last = found.at(-1);
  if (last === undefined) throw new Error('no counts to measure');
  const { count, kibEach, cpuPercent: idleCpuPercent } = last;
  return {
    figures: { listener: { count, kibEach, idleCpuPercent } },
    series: [
      { name: 'listeners: daemon without mailboxes', unit: 'MiB', values: [emptyKib / 1024] },
      ...found.flatMap(seriesOf),
    ],
  };
};

function seriesOf(idle: Idle): readonly Series[] {
  const name = `listeners: ${idle.count}`;
  return [
    { name: `${name}, bare imapflow each`, unit: 'KiB', values: [idle.bareKibEach] },
    { name: `${name}, mailstream each`, unit: 'KiB', values: [idle.kibEach] },
    { name: `${name}, mailstream whole process`, unit: 'MiB', values: [idle.residentMib] },
    { name: `${name}, idle processor time`, unit: '% core', values: [idle.cpuPercent] },
    {
      name: `${name}, idle processor time of one`,
      unit: 'ms/h',
      values: [(idle.cpuPercent / 100 / idle.count) * 3_600_000],
    },
  ];
}

async function emptyDaemonKib(servers: Servers, settleMs: number): Promise<number> {
  const site = await openSite(servers);
  try {
    const daemon = await site.startDaemon();
    await daemon.ready(60_000);
    await delay(settleMs);
    const kib = await residentKib(daemon.pid);
    await daemon.stop();
    return kib;
  } finally {
    await site.close();
  }
}

/** Daemons of several counts side by side: idle ones hardly disturb each other, and one window is enough for all. */
async function measure(options: {
  readonly servers: Servers;
  readonly counts: readonly number[];
  readonly windowMs: number;
  readonly settleMs: number;
  readonly emptyKib: number;
  readonly say: (line: string) => void;
}): Promise<readonly Idle[]> {
  const { servers, counts, windowMs, settleMs, emptyKib, say } = options;
  const farm = await startFarm();
  const server: IdleServer = { host: farm.host, port: farm.port, password: 'secret' };
  const fleets: Fleet[] = [];
  try {
    const bareKib: number[] = [];
    for (const count of [0, ...counts])
      bareKib.push(
        await withBareFleet(servers, server, idleUsers('idle', count), async ({ pid }) => {
          await delay(Math.min(BARE_SETTLE_MS, settleMs));
          return residentKib(pid);
        }),
      );
    for (const count of counts) fleets.push(await openFleet(servers, server, idleUsers('idle', count)));
    await farm.untilIdle(
      counts.reduce((sum, count) => sum + count, 0),
      60_000,
    );
    await delay(settleMs);
    const idle = await Promise.all(fleets.map(({ daemon }) => watchIdle(daemon.pid, windowMs)));
    return counts.map((count, n) => {
      const { kib, cpuPercent } = idle[n] ?? { kib: Number.NaN, cpuPercent: Number.NaN };
      return {
        count,
        kibEach: (kib - emptyKib) / count,
        bareKibEach: ((bareKib[n + 1] ?? Number.NaN) - (bareKib[0] ?? Number.NaN)) / count,
        cpuPercent,
        residentMib: kib / 1024,
      };
    });
  } finally {
    // How it stops is no figure of this part, and no reason to forget what a quarter of an hour has measured.
    for (const fleet of fleets) await fleet.close().catch((error: unknown) => say(`  ${String(error)}`));
    await farm.close();
  }
}

async function watchIdle(
  pid: number,
  windowMs: number,
): Promise<{ readonly kib: number; readonly cpuPercent: number }> {
  const before = await cpuMs(pid);
  const begunMs = performance.now();
  const readings: number[] = [];
  for (let n = 0; n < READINGS; n += 1) {
    await delay(windowMs / READINGS);
    readings.push(await residentKib(pid));
  }
  const share = ((await cpuMs(pid)) - before) / (performance.now() - begunMs);
  return { kib: median(readings), cpuPercent: 100 * share };
}
