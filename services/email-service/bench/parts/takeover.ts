/** How long mailboxes have no owner when a daemon is killed, and when it is asked to stop: what `npm run chaos -- --takeovers` measures. */
import { makeTemplate } from '../../test/chaos/template.ts';
import { STANDARD_SIZE } from '../../test/chaos/options.ts';
import { measureTakeovers } from '../../test/chaos/takeover.ts';
import { median } from '../report/statistics.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from './part.ts';

const MESSAGES_PER_SECOND = 5;

export const takeover: Part = async ({ servers, sizes }) => {
  const { runs, leaseTtlMs } = sizes.takeover;
  const within = join(servers.folder, 'takeover');
  await mkdir(within, { recursive: true, mode: 0o755 });
  const found = await measureTakeovers({
    count: runs,
    build: servers.build,
    template: await makeTemplate(within),
    within,
    size: STANDARD_SIZE,
    messagesPerSecond: MESSAGES_PER_SECOND,
    daemonEnv: { IMAP_LEASE_TTL_MS: String(leaseTtlMs), LOG_LEVEL: 'debug' },
  });
  const seconds = (of: 'SIGKILL' | 'SIGTERM', what: 'leasesMs' | 'mailMs'): readonly number[] =>
    found[of].map((run) => run[what] / 1000);
  return {
    figures: {
      takeover: {
        sigkillSeconds: median(seconds('SIGKILL', 'leasesMs')),
        sigtermSeconds: median(seconds('SIGTERM', 'leasesMs')),
        leaseTtlSeconds: leaseTtlMs / 1000,
      },
    },
    series: (['SIGKILL', 'SIGTERM'] as const).flatMap((signal) => [
      { name: `takeover: ${signal}, leases held by others`, unit: 's', values: seconds(signal, 'leasesMs') },
      { name: `takeover: ${signal}, next mail published`, unit: 's', values: seconds(signal, 'mailMs') },
    ]),
  };
};
