/** The audit compares the mailbox with the ledger: what is missing is told, fetched and told again as 0 (DESIGN, promise P5). */
import { expect, it } from 'vitest';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld } from './daemon.ts';

const world = await useWorld();

it('a message that the ledger lost is found by the next audit and published', async () => {
  const server = await startScriptedImap({ folders: { INBOX: { messages: ['Subject: before\r\n\r\nx'] } } });
  const daemon = startDaemon({ ...world.env, IMAP_AUDIT_INTERVAL_MS: '2000' });
  try {
    const provider = await world.addProvider({
      host: server.host,
      port: server.port,
      username: 'u',
      password: 'secret',
    });
    await daemon.waitForLog(isWatching('INBOX', provider.id));
    for (const subject of ['a', 'b', 'c']) server.deliver('INBOX', `Subject: ${subject}\r\n\r\nx`);
    await world.entries(3);
    await world.sql('DELETE FROM inbound_messages WHERE provider_id = $1 AND uid = 3', [provider.id]);

    const found = await daemon.waitForLog(
      (line) => line.message === 'audit found messages that are not in the ledger',
    );
    expect(found).toMatchObject({ count: 1, total: 3 });
    const entries = await world.entries(4);
    expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(['a', 'b', 'c', 'b']);
    expect(new Set(entries.map((entry) => entry.fields['event_id'])).size).toBe(3);
    const { port } = (await daemon.waitForLog(
      (line) => line.message === 'health and metrics are served',
    )) as unknown as { port: number };
    const missing = async (): Promise<string> =>
      /^mailstream_audit_missing (\S+)$/m.exec(
        await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      )?.[1] ?? '';
    await expect.poll(missing, { timeout: 20_000 }).toBe('0');
    const audits = async (): Promise<unknown> =>
      (
        await world.sql<{ audit: unknown }>(
          `SELECT folder_health -> 'INBOX' -> 'audit' AS audit FROM imap_email_provider_config`,
        )
      )[0]?.audit;
    await expect.poll(audits, { timeout: 20_000 }).toMatchObject({ checked: 3, missing: 0 });
  } finally {
    expect(await daemon.stop()).toBe(0);
    await server.close();
  }
});
