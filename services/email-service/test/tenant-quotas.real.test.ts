/** A tenant over its limit is delayed, visibly, and nobody else is; nothing is lost, and it goes on in order when more is granted. */
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import { saveQuota } from '@mailstream/shared/db/tenant-quotas';
import type { TenantQuota } from '@mailstream/shared/domain/quota';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld, type SeededProvider } from './daemon.ts';

const world = await useWorld();
const server = await startScriptedImap();
const database = createDatabase({ url: world.database.url, applicationName: 'quotas', poolMax: 1 });
afterAll(async () => {
  await database.close();
  await server.close();
});

const PATIENCE = { timeout: 30_000 };
const grant = ({ tenant }: SeededProvider, quota: Partial<TenantQuota>): Promise<void> =>
  database.asDaemon((trx) => saveQuota(trx, tenant, quota));
const deliver = (folder: string, from: number, to: number): void => {
  for (let n = from; n <= to; n += 1) server.deliver(folder, `Subject: ${folder}${n}\r\n\r\nx`);
};

it('holds fetching at the limit of the day and of the storage, says so, and goes on by itself', async () => {
  server.addFolder('Other');
  const login = { host: server.host, port: server.port, username: 'u', password: 'secret' };
  const limited = await world.addProvider({ ...login, folders: ['INBOX'] });
  const free = await world.addProvider({ ...login, folders: ['Other'] });
  await grant(limited, { messagesPerDay: 5 });
  const daemon = startDaemon({ ...world.env });
  onTestFinished(async () => void (await daemon.stop()));
  await daemon.waitForLog(isWatching('INBOX', limited.id));
  await daemon.waitForLog(isWatching('Other', free.id));
  const subjects = async (provider: SeededProvider): Promise<readonly string[]> =>
    (await world.entries(0))
      .filter(({ fields }) => fields['tenant'] === provider.tenant)
      .map(({ payload }) => payload.emailData.subject);
  const health = async (): Promise<unknown> => {
    const [row] = await world.sql<{ error_code: string | null; health: unknown }>(
      `SELECT p.error_code, c.folder_health -> 'INBOX' ->> 'code' AS health
         FROM email_providers p JOIN imap_email_provider_config c ON c.tenant = p.tenant AND c.email_provider_id = p.id
        WHERE p.id = $1`,
      [limited.id],
    );
    return row;
  };

  deliver('INBOX', 1, 8);
  await expect.poll(health, PATIENCE).toEqual({ error_code: 'QUOTA_MESSAGES', health: 'QUOTA_MESSAGES' });
  expect(await subjects(limited)).toEqual(['INBOX1', 'INBOX2', 'INBOX3', 'INBOX4', 'INBOX5']);
  // Somebody else's mail comes as always.
  deliver('Other', 1, 8);
  await expect.poll(async () => (await subjects(free)).length, PATIENCE).toBe(8);
  expect(await subjects(limited)).toHaveLength(5);

  // The operator grants more messages, but what they take up (20 bytes each) is all the storage there is: that is the limit now.
  await grant(limited, { messagesPerDay: 100, storageBytes: 5 * 20 });
  await expect.poll(health, PATIENCE).toEqual({ error_code: 'QUOTA_STORAGE', health: 'QUOTA_STORAGE' });
  await grant(limited, { storageBytes: null });
  await expect.poll(async () => (await subjects(limited)).length, PATIENCE).toBe(8);
  expect(await subjects(limited)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `INBOX${n}`));
  await expect.poll(health, PATIENCE).toEqual({ error_code: null, health: null });
  // No connection was dropped for it.
  expect(daemon.lines.filter(isWatching('INBOX', limited.id)).length).toBeGreaterThan(0);
  expect(daemon.lines.filter((line) => line['state'] === 'backingOff')).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});
