/** A backlog beside mail of another tenant: nothing more is asked for until the batch before it is settled (tenant-traffic.ts). */
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const BATCH = 2;
const BACKLOG = 8;

const world = await useWorld();
const server = await startScriptedImap();
afterAll(() => server.close());

it('is worked off batch by batch', async () => {
  server.addFolder('Quiet');
  const login = { host: server.host, port: server.port, username: 'u', password: 'secret' };
  const busy = await world.addProvider({ ...login, folders: ['INBOX'] });
  const quiet = await world.addProvider({ ...login, folders: ['Quiet'] });
  const daemon = startDaemon({ ...world.env, IMAP_MAX_EMAILS_PER_SYNC: String(BATCH) });
  onTestFinished(async () => void (await daemon.stop()));
  await daemon.waitForLog(isWatching('INBOX', busy.id));
  await daemon.waitForLog(isWatching('Quiet', quiet.id));
  server.deliver('Quiet', 'Subject: quiet\r\n\r\nx');
  await world.entries(1);

  /** Of each FETCH: the lowest UID that was asked for, and the messages of the backlog that were in the ledger then. */
  const fetches: { readonly from: number; readonly known: number }[] = [];
  server.on('UID FETCH', async ({ connection, messages }): Promise<false> => {
    if (connection.folder?.name !== 'INBOX') return false;
    const [row] = await world.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM inbound_messages WHERE provider_id = $1',
      [busy.id],
    );
    fetches.push({ from: Math.min(...messages.map(({ uid }) => uid)), known: row?.count ?? 0 });
    return false;
  });
  for (let n = 1; n <= BACKLOG; n += 1) server.deliver('INBOX', `Subject: busy${n}\r\n\r\nx`);
  await world.entries(1 + BACKLOG);
  expect(fetches.length).toBeGreaterThanOrEqual(BACKLOG / BATCH);
  for (const { from, known } of fetches) expect(known).toBe(from - 1);
});
