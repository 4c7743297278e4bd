/** More folders than connections: they share time, and nothing is missed. */
import { expect, it } from 'vitest';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();

it('four folders over two connections all deliver, and the server never sees a third', async () => {
  const folders = ['INBOX', 'A', 'B', 'C'];
  const server = await startScriptedImap({ folders: Object.fromEntries(folders.map((name) => [name, {}])) });
  let most = 0;
  server.on('*', () => {
    most = Math.max(most, server.openConnections.length);
    return false;
  });
  const daemon = startDaemon({
    ...world.env,
    IMAP_MAX_CONNECTIONS_PER_TENANT: '2',
    IMAP_POLL_INTERVAL_MS: '1000',
  });
  try {
    const provider = await world.addProvider({
      host: server.host,
      port: server.port,
      username: 'u',
      password: 'secret',
      folders,
    });
    for (const folder of folders)
      await daemon.waitForLog(
        (line) => line.message === 'listener' && line['folder'] === folder && line['state'] === 'watching',
      );
    for (const folder of folders) server.deliver(folder, `Subject: in ${folder}\r\n\r\nx`);
    const entries = await world.entries(folders.length);
    expect(entries.map((entry) => entry.payload.emailData.subject).sort()).toEqual(
      folders.map((folder) => `in ${folder}`).sort(),
    );
    expect(most).toBe(2);
    const [row] = await world.sql<{ states: Record<string, { code: string | null }> }>(
      'SELECT folder_health AS states FROM imap_email_provider_config WHERE email_provider_id = $1',
      [provider.id],
    );
    expect(Object.values(row?.states ?? {}).some((state) => state.code === 'IMAP_CONNECTION_TURNS')).toBe(
      true,
    );
  } finally {
    expect(await daemon.stop()).toBe(0);
    await server.close();
  }
});
