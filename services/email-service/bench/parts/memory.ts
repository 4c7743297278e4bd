/** The most memory that the daemon ever had, with one message of 500 MB, and with 1,000 of 25 MB that come at the same moment. */
import { startFarm, type Farm } from '../farm/farm.ts';
import { median } from '../report/statistics.ts';
import { peakKib } from '../world/process-figures.ts';
import type { Servers } from '../world/servers.ts';
import { idleUsers, withFleet } from './idle-fleet.ts';
import type { Part } from './part.ts';
import { keepSmall } from './storage-janitor.ts';

/** By default a message of more than 150 MiB keeps its raw form and its headers only: here it is taken whole. */
const UNLIMITED = {
  IMAP_MAX_ATTACHMENT_BYTES: '0',
  IMAP_MAX_TOTAL_ATTACHMENT_BYTES: '0',
  IMAP_MAX_RAW_MIME_BYTES: '0',
};
const LARGE_PATIENCE_MS = 300_000;
const FLOOD_PATIENCE_MS = 1_500_000;

export const memory: Part = async ({ servers, sizes, say }) => {
  const { largeBytes, largeRuns, floodMailboxes, floodBytes } = sizes.memory;
  const farm = await startFarm();
  try {
    const large: Peak[] = [];
    for (let run = 1; run <= largeRuns; run += 1)
      large.push(
        await measure({
          ...{ servers, farm, bytes: largeBytes, env: UNLIMITED, withinMs: LARGE_PATIENCE_MS },
          users: idleUsers(`large${run}x`, 1),
        }),
      );
    say(`  one of ${largeBytes / 1e6} MB: ${median(large.map(({ mib }) => mib)).toFixed(0)} MiB`);
    const flood = await measure({
      ...{ servers, farm, bytes: floodBytes, env: {}, withinMs: FLOOD_PATIENCE_MS },
      users: idleUsers('flood', floodMailboxes),
    });
    const name = `memory: ${floodMailboxes} of ${floodBytes / 1e6} MB`;
    return {
      figures: {
        memory: { peakMib500MbMessage: median(large.map(({ mib }) => mib)), peakMibFlood: flood.mib },
      },
      series: [
        {
          name: `memory: one message of ${largeBytes / 1e6} MB`,
          unit: 'MiB peak',
          values: large.map(({ mib }) => mib),
        },
        { name: 'memory: time for it', unit: 's', values: large.map(({ seconds }) => seconds) },
        { name, unit: 'MiB peak', values: [flood.mib] },
        {
          name: `${name}: throughput`,
          unit: 'MB/s',
          values: [(floodMailboxes * floodBytes) / 1e6 / flood.seconds],
        },
      ],
    };
  } finally {
    await farm.close();
  }
};

interface Peak {
  readonly mib: number;
  readonly seconds: number;
}

async function measure(options: {
  readonly servers: Servers;
  readonly farm: Farm;
  readonly users: readonly string[];
  readonly bytes: number;
  readonly env: Readonly<Record<string, string>>;
  readonly withinMs: number;
}): Promise<Peak> {
  const { servers, farm, users, bytes, withinMs } = options;
  return withFleet(
    servers,
    { host: farm.host, port: farm.port, password: 'secret' },
    users,
    async ({ daemon, site }) => {
      const janitor = keepSmall(site.storageDir);
      const begunMs = performance.now();
      await farm.deliver(users, { count: 1, bytes, kind: 'attachment', series: 'large' });
      await site.untilPublished(users.length, withinMs);
      const seconds = (performance.now() - begunMs) / 1000;
      await janitor.stop();
      return { mib: (await peakKib(daemon.pid)) / 1024, seconds };
    },
    () => options.env,
  );
}
