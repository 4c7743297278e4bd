/** From the start of the daemon until thousands of folders on one Dovecot are watched, beside bare imapflow on the same server. */
import { median } from '../report/statistics.ts';
import { idleUsers, withBareFleet, withFleet, type IdleServer } from './idle-fleet.ts';
import type { Part } from './part.ts';

export const coldStart: Part = async ({ servers, sizes, say }) => {
  const { folders, runs } = sizes.coldStart;
  const dovecot = await servers.dovecot();
  const server: IdleServer = { host: '127.0.0.1', port: dovecot.imapPort, password: dovecot.password };
  const users = idleUsers('cold', folders);
  const bareSeconds = (): Promise<number> =>
    withBareFleet(servers, server, users, ({ ms }) => Promise.resolve(ms / 1000));
  // Dovecot makes the mailboxes at the first login: for nobody's account.
  await bareSeconds();
  const floor: number[] = [];
  const ours: number[] = [];
  for (let run = 1; run <= runs; run += 1) {
    floor.push(await bareSeconds());
    ours.push(await withFleet(servers, server, users, ({ readyMs }) => Promise.resolve(readyMs / 1000)));
    say(`  run ${run}: bare ${floor.at(-1)?.toFixed(1)} s, mailstream ${ours.at(-1)?.toFixed(1)} s`);
  }
  const ratios = ours.map((seconds, run) => seconds / (floor[run] ?? Number.NaN));
  return {
    figures: { coldStart: { seconds: median(ours), ratio: median(ratios) } },
    series: [
      { name: `cold start of ${folders}: bare imapflow`, unit: 's', values: floor },
      { name: `cold start of ${folders}: mailstream`, unit: 's', values: ours },
      { name: `cold start of ${folders}: ratio`, unit: 'x', values: ratios },
    ],
  };
};
