import { randomUUID } from 'node:crypto';
import { createDatabase } from '@mailstream/shared/db/database';
import {
  createNoticeListener,
  notifyProbe,
  notifyProvider,
  type ProviderNotice,
} from '@mailstream/shared/db/notices';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { openTcpLink, throughLink } from '@mailstream/shared/testing/tcp-link';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';

const db = await useDatabase();
const database = createDatabase({ url: db.url, applicationName: 'test', poolMax: 1 });
const target = { host: new URL(db.url).hostname, port: Number(new URL(db.url).port) };
const link = await openTcpLink(target);
const tenant = tenantId(randomUUID());

const notices: ProviderNotice[] = [];
let connections = 0;
const listener = createNoticeListener({
  url: throughLink(db.url, link),
  log: createLogger({ service: 'test', level: 'silent' }),
  onNotice: (notice) => void notices.push(notice),
  onReconnected: () => void (connections += 1),
  sendProbe: (channel) => database.asDaemon((trx) => notifyProbe(trx, channel)),
});

afterAll(async () => {
  await listener.stop();
  await link.close();
  await database.close();
});

async function tell(): Promise<string> {
  const id = providerId(randomUUID());
  await database.withTenant(tenant, (trx) => notifyProvider(trx, tenant, id));
  return id;
}

async function heard(id: string): Promise<void> {
  await expect.poll(() => notices.map((notice) => notice.id), { timeout: 20_000 }).toContain(id);
}

it('hears a notice when its transaction commits, and none of one that is rolled back', async () => {
  await listener.start();
  await expect.poll(() => connections, { timeout: 20_000 }).toBe(1);
  const silent = providerId(randomUUID());
  await database
    .withTenant(tenant, async (trx) => {
      await notifyProvider(trx, tenant, silent);
      throw new Error('rolled back');
    })
    .catch(() => undefined);
  const id = await tell();
  await heard(id);
  expect(notices).toEqual([{ tenant, id }]);
});

it('ignores payloads of another form', async () => {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  await client.query(`SELECT pg_notify('mailstream_providers', 'nonsense')`).finally(() => client.end());
  await heard(await tell());
  expect(notices).toHaveLength(2);
});

it('comes back after the link was cut and while nobody answers, and says that it was away', async () => {
  await link.refuse();
  const missed = await tell();
  await link.accept();
  await expect.poll(() => connections, { timeout: 20_000 }).toBe(2);
  await heard(await tell());
  expect(notices.map((notice) => notice.id)).not.toContain(missed);
});

it('stops at once and can be started again, many times', async () => {
  for (let round = 0; round < 20; round += 1) {
    await listener.stop();
    await listener.start();
  }
  await listener.stop();
  const before = connections;
  await listener.start();
  await expect.poll(() => connections, { timeout: 20_000 }).toBe(before + 1);
  await heard(await tell());
});
