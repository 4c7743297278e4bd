/** Whether a message costs the same whatever the ledger holds already of its mailbox: 1,000 rows or a million. */
import { startFarm, type Farm } from '../farm/farm.ts';
import { type Series } from '../report/statistics.ts';
import { fillLedger } from '../world/fill-ledger.ts';
import { cpuMs, treeCpuMs } from '../world/process-figures.ts';
import type { Servers } from '../world/servers.ts';
import { openSite } from '../world/site.ts';
import type { Part } from './part.ts';

const BYTES = 8_000;
const PATIENCE_MS = 300_000;

interface Cost {
  readonly msgPerSecond: number;
  readonly databaseCpuMs: number;
  readonly daemonCpuMs: number;
}

export const growth: Part = async ({ servers, sizes, say }) => {
  const { ledgerRows, messages } = sizes.growth;
  const farm = await startFarm();
  const series: Series[] = [];
  try {
    for (const rows of ledgerRows) {
      const cost = await measure({ servers, farm, rows, messages });
      const name = `growth: ${rows} rows in the ledger`;
      say(
        `  ${rows} rows: ${cost.msgPerSecond.toFixed(0)} msg/s, ${cost.databaseCpuMs.toFixed(2)} ms of PostgreSQL`,
      );
      series.push(
        { name, unit: 'msg/s', values: [cost.msgPerSecond] },
        { name: `${name}, PostgreSQL for a message`, unit: 'ms', values: [cost.databaseCpuMs] },
        { name: `${name}, daemon for a message`, unit: 'ms', values: [cost.daemonCpuMs] },
      );
    }
  } finally {
    await farm.close();
  }
  return { figures: {}, series };
};

async function measure(options: {
  readonly servers: Servers;
  readonly farm: Farm;
  readonly rows: number;
  readonly messages: number;
}): Promise<Cost> {
  const { servers, farm, rows, messages } = options;
  const user = `grown${rows}`;
  await farm.prepare(user, rows);
  const site = await openSite(servers);
  try {
    const [mailbox] = await site.addMailboxes([{ ...farm, user, password: 'secret' }]);
    if (mailbox === undefined) throw new Error('no mailbox');
    await fillLedger(site, mailbox, rows);
    // As autovacuum does it in time.
    await site.sql('VACUUM ANALYZE inbound_messages');
    const daemon = await site.startDaemon();
    await daemon.untilWatching(1, 120_000);
    const cpu = async (): Promise<readonly [number, number]> =>
      Promise.all([cpuMs(daemon.pid), treeCpuMs(servers.postgres.pid)]);
    const before = await cpu();
    const begunAt = Date.now();
    await farm.deliver([user], { count: messages, bytes: BYTES, kind: 'text', series: 'grown' });
    const endedAt = await site.untilPublished(messages, PATIENCE_MS);
    const after = await cpu();
    await daemon.stop();
    return {
      msgPerSecond: messages / ((endedAt - begunAt) / 1000),
      daemonCpuMs: (after[0] - before[0]) / messages,
      databaseCpuMs: (after[1] - before[1]) / messages,
    };
  } finally {
    await site.close();
  }
}
