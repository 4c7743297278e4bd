import { useOwnPostgres, useOwnRedis } from '@mailstream/shared/testing/own-servers';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';

const redis = await useOwnRedis();
const postgres = await useOwnPostgres();

test('a Redis of the file keeps its data over a restart', async () => {
  const before = new Redis(redis.server.url);
  await before.set('kept', 'yes');
  before.disconnect();
  await redis.stop();
  await redis.start();
  const after = new Redis(redis.server.url);
  expect(await after.get('kept')).toBe('yes');
  after.disconnect();
});

test('a PostgreSQL of the file keeps what was committed when it is killed', async () => {
  const query = async (sql: string): Promise<pg.QueryResult> => {
    const client = new pg.Client({ connectionString: postgres.server.adminUrl });
    await client.connect();
    return client.query(sql).finally(() => client.end());
  };
  await query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)');
  await postgres.kill();
  await postgres.start();
  expect((await query('SELECT n FROM kept')).rows).toEqual([{ n: 7 }]);
});

test('a server that runs is not started twice', async () => {
  await expect(redis.start()).rejects.toThrow(/runs already/);
});
