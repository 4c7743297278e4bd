/** Several daemons share the mailboxes: fair shares, takeover, handover (issue 3). Timings belong in the bench; here only who ends with what. */
import { afterEach, describe, expect, it } from 'vitest';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { startDaemon, useWorld, type Daemon } from './daemon.ts';
import { sharesOf } from './fleet-moves.ts';

const world = await useWorld();
const MAILBOXES = 30;
const env = { ...world.env, IMAP_LEASE_TTL_MS: '3000', IMAP_PROVIDER_REFRESH_MS: '60000' };
const daemons: Daemon[] = [];
let server: ScriptedImap;

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop();
  await server.close();
});

function start(): Daemon {
  const daemon = startDaemon(env);
  daemons.push(daemon);
  return daemon;
}

describe('three instances', () => {
  it(
    'share the mailboxes, take over from one that dies, and share again when one comes',
    { timeout: 120_000 },
    async () => {
      server = await startScriptedImap({ folders: { INBOX: {} } });
      const tenant = await world.addTenant();
      for (let n = 0; n < MAILBOXES; n += 1)
        await world.addProvider(
          { host: server.host, port: server.port, username: `u${n}`, password: 'secret' },
          tenant,
        );

      const first = start();
      await expect.poll(() => sharesOf(world), { timeout: 30_000 }).toEqual([MAILBOXES]);
      start();
      start();
      await expect.poll(() => sharesOf(world), { timeout: 40_000 }).toEqual([10, 10, 10]);

      first.kill('SIGKILL');
      await first.exited;
      await expect.poll(() => sharesOf(world), { timeout: 30_000 }).toEqual([15, 15]);

      const last = start();
      await expect.poll(() => sharesOf(world), { timeout: 40_000 }).toEqual([10, 10, 10]);
      expect(await last.stop()).toBe(0);
      await expect.poll(() => sharesOf(world), { timeout: 30_000 }).toEqual([15, 15]);

      server.deliver('INBOX', 'Subject: for everybody\r\n\r\nx');
      expect(await world.entries(MAILBOXES)).toHaveLength(MAILBOXES);
    },
  );
});
