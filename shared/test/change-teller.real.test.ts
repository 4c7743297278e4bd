import { randomUUID } from 'node:crypto';
import { createChangeTeller } from '@mailstream/shared/db/change-teller';
import { createDatabase } from '@mailstream/shared/db/database';
import { createNoticeListener, notifyProbe, type ChangeNotice } from '@mailstream/shared/db/notices';
import { tenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { afterAll, expect, it } from 'vitest';

const db = await useDatabase();
const database = createDatabase({ url: db.url, applicationName: 'test', poolMax: 1 });
const log = createLogger({ service: 'test', level: 'silent' });
const clock = new FakeClock();
const teller = createChangeTeller({ database, clock, log });
const heard: ChangeNotice[] = [];
let isHearing = false;
const listener = createNoticeListener({
  url: db.url,
  log,
  onNotice: () => undefined,
  onChange: (change) => void heard.push(change),
  onReconnected: () => {
    isHearing = true;
  },
  sendProbe: (channel) => database.asDaemon((trx) => notifyProbe(trx, channel)),
});
const [one, other] = [tenantId(randomUUID()), tenantId(randomUUID())];

afterAll(async () => {
  await listener.stop();
  await teller.stop();
  await database.close();
});

it('tells the changes of a moment together, each once', async () => {
  await listener.start();
  await expect.poll(() => isHearing, { timeout: 20_000 }).toBe(true);
  await teller.start();
  for (let i = 0; i < 100; i += 1) teller.tell(one, 'messages');
  teller.tell(other, 'tickets');
  clock.advance(200);
  await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(2);
  expect(heard).toEqual([
    { tenant: one, topic: 'messages' },
    { tenant: other, topic: 'tickets' },
  ]);
});

it('drops what waits when it stops, and tells again after a start', async () => {
  teller.tell(one, 'providers');
  await teller.stop();
  teller.tell(one, 'tickets');
  clock.advance(1000);
  expect(clock.pending).toBe(0);
  await teller.start();
  teller.tell(one, 'messages');
  clock.advance(200);
  await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(3);
  expect(heard.map(({ topic }) => topic)).toEqual(['messages', 'tickets', 'messages']);
});
