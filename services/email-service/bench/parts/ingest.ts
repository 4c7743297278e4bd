/** Ingest of the standard mailbox to the stream, beside what only fetches, what only parses, and what only copies. */
import { bareFetch } from '../floor/run-floor.ts';
import { installedTools } from '../floor/tools.ts';
import { STANDARD } from '../world/standard-mailbox.ts';
import { median, type Series } from '../report/statistics.ts';
import { ingestOnce, standardMailbox, type IngestRun } from './ingest-run.ts';
import type { Part } from './part.ts';

export const ingest: Part = async ({ servers, sizes, say }) => {
  const { messages, runs, withGetmail } = sizes.ingest;
  const mailbox = await standardMailbox(servers, messages);
  const next = await standardMailbox(servers, messages, STANDARD.seed + 1);
  say(`  ${mailbox.messages} messages, ${(mailbox.bytes / 1e6).toFixed(0)} MB`);
  const fetchRate = async (parses: boolean): Promise<number> => {
    const { messages: fetched, ms } = await bareFetch({ ...mailbox, parses });
    if (fetched !== messages) throw new Error(`imapflow fetched ${fetched} of ${messages} messages`);
    return fetched / (ms / 1000);
  };
  // Fills the page cache and Dovecot's indexes for all that follow.
  await fetchRate(false);
  const fetched: number[] = [];
  const parsed: number[] = [];
  const ours: IngestRun[] = [];
  // In turns, so that a slow minute of the machine is everybody's.
  for (let run = 1; run <= runs; run += 1) {
    fetched.push(await fetchRate(false));
    parsed.push(await fetchRate(true));
    const taken = await ingestOnce(servers, mailbox, { next });
    ours.push(taken);
    const { msgPerSecond, nextMsgPerSecond } = taken;
    say(`  run ${run}: ${Math.round(msgPerSecond)} msg/s, the next ${Math.round(nextMsgPerSecond ?? 0)}`);
  }
  const tools: Series[] = [];
  for (const tool of await installedTools(withGetmail ? ['mbsync', 'getmail'] : ['mbsync'])) {
    const rates: number[] = [];
    for (let run = 1; run <= (tool.name === 'getmail' ? 1 : runs); run += 1)
      rates.push(await tool.measure(mailbox, messages, servers.folder));
    tools.push({ name: `ingest: ${tool.name} to disk`, unit: 'msg/s', values: rates });
  }
  const rates = ours.map(({ msgPerSecond }) => msgPerSecond);
  const ratios = (floors: readonly number[]): readonly number[] =>
    rates.map((rate, run) => rate / (floors[run] ?? Number.NaN));
  return {
    figures: {
      ingest: {
        msgPerSecond: median(rates),
        ratioToFetch: median(ratios(fetched)),
        ratioToSimpleParser: median(ratios(parsed)),
      },
    },
    series: [
      { name: 'ingest: imapflow fetch alone', unit: 'msg/s', values: fetched },
      { name: 'ingest: imapflow + simpleParser', unit: 'msg/s', values: parsed },
      ...tools,
      { name: 'ingest: mailstream to stream', unit: 'msg/s', values: rates },
      {
        name: 'ingest: mailstream, the next mailbox of the same process',
        unit: 'msg/s',
        values: ours.map(({ nextMsgPerSecond }) => nextMsgPerSecond ?? Number.NaN),
      },
      { name: 'ingest: ratio to fetch', unit: 'x', values: ratios(fetched) },
      { name: 'ingest: ratio to simpleParser', unit: 'x', values: ratios(parsed) },
      {
        name: 'ingest: daemon processor time of a message',
        unit: 'ms',
        values: ours.map((run) => run.daemonCpuMs),
      },
      {
        name: 'ingest: PostgreSQL processor time of a message',
        unit: 'ms',
        values: ours.map((run) => run.databaseCpuMs),
      },
      { name: 'ingest: daemon peak memory', unit: 'MiB', values: ours.map((run) => run.peakMib) },
    ],
  };
};
