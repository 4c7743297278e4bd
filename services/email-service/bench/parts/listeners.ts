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
import { idleUsers, withBareFleet, withFleet, type IdleServer } from './idle-fleet.ts';
import type { Part } from './part.ts';

/** What connecting left is collected, and what is due at the beginning is done. */
const SETTLE_MS = 15_000;
const READINGS = 10;

interface Idle {
  readonly count: number;
  readonly kibEach: number;
  readonly bareKibEach: number;
  readonly cpuPercent: number;
  readonly residentMib: number;
}

export const listeners: Part = async ({ servers, sizes, say }) => {
  const { counts, windowMs } = sizes.listeners;
  const settleMs = Math.min(SETTLE_MS, windowMs);
  const emptyKib = await emptyDaemonKib(servers, settleMs);
  const found: Idle[] = [];
  for (const count of counts) {
    const idle = await measure({ servers, count, windowMs, settleMs, emptyKib });
    found.push(idle);
    say(`  ${count}: ${idle.kibEach.toFixed(1)} KiB each, ${idle.cpuPercent.toFixed(2)} % of a core`);
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

async function measure(options: {
  readonly servers: Servers;
  readonly count: number;
  readonly windowMs: number;
  readonly settleMs: number;
  readonly emptyKib: number;
}): Promise<Idle> {
  const { servers, count, windowMs, settleMs, emptyKib } = options;
  const farm = await startFarm();
  try {
    const server: IdleServer = { host: farm.host, port: farm.port, password: 'secret' };
    const users = idleUsers('idle', count);
    const bareKib = await withBareFleet(servers, server, users, async ({ pid }) => {
      await delay(settleMs / 3);
      return residentKib(pid);
    });
    const emptyBareKib = await withBareFleet(servers, server, [], ({ pid }) => residentKib(pid));
    const ours = await withFleet(servers, server, users, async ({ daemon }) => {
      await farm.untilIdle(count, 60_000);
      await delay(settleMs);
      const before = await cpuMs(daemon.pid);
      const begunMs = performance.now();
      const readings: number[] = [];
      for (let n = 0; n < READINGS; n += 1) {
        await delay(windowMs / READINGS);
        readings.push(await residentKib(daemon.pid));
      }
      const percent = ((await cpuMs(daemon.pid)) - before) / (performance.now() - begunMs);
      return { kib: median(readings), percent: 100 * percent };
    });
    return {
      count,
      kibEach: (ours.kib - emptyKib) / count,
      bareKibEach: (bareKib - emptyBareKib) / count,
      cpuPercent: ours.percent,
      residentMib: ours.kib / 1024,
    };
  } finally {
    await farm.close();
  }
}
