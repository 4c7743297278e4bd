/** What an instance says of itself, and what is left of it when it goes. */
import { expect, it } from 'vitest';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();

it('an instance is listed while it lives, with its leases, and removed by its stop or by another’s beat after its death', async () => {
  const server = await startScriptedImap();
  const provider = await world.addProvider({
    host: server.host,
    port: server.port,
    username: 'u',
    password: 'secret',
  });
  const env = { ...world.env, IMAP_LEASE_TTL_MS: '2000' };
  const alive = async (): Promise<readonly { leases: number; listeners: number }[]> =>
    world.sql<{ leases: number; listeners: number }>(
      `SELECT (details ->> 'leases')::int AS leases, (details ->> 'listeners')::int AS listeners FROM service_instances`,
    );
  const first = startDaemon(env);
  try {
    await first.waitForLog(isWatching('INBOX', provider.id));
    await expect.poll(alive, { timeout: 20_000 }).toEqual([{ leases: 1, listeners: 1 }]);
    first.kill('SIGKILL');
    await first.exited;
    expect(await alive()).toHaveLength(1);
    const second = startDaemon(env);
    await second.waitForLog(isWatching('INBOX', provider.id));
    await expect.poll(alive, { timeout: 20_000 }).toEqual([{ leases: 1, listeners: 1 }]);
    expect(await second.stop()).toBe(0);
    expect(await alive()).toEqual([]);
  } finally {
    await server.close();
  }
});
