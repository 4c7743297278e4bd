/** Redis that lost its data, or PostgreSQL its last commits: every message still gets its effect (DESIGN section 5). */
import { describe, expect, it } from 'vitest';
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { startScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { isWatching, startDaemon, useWorld, type Daemon, type SeededProvider } from './daemon.ts';

const world = await useWorld();
const ANOTHER = '00000000-0000-4000-8000-000000000001';

interface Scene {
  readonly provider: SeededProvider;
  deliver(...subjects: readonly string[]): void;
  daemon: Daemon;
}

async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await world.redis.flushdb();
  const server = await startScriptedImap();
  const provider = await world.addProvider({
    host: server.host,
    port: server.port,
    username: 'u',
    password: 'secret',
  });
  const at: Scene = {
    provider,
    deliver: (...subjects) =>
      subjects.forEach((subject) => server.deliver('INBOX', `Subject: ${subject}\r\n\r\n${subject}`)),
    daemon: startDaemon({ ...world.env, IMAP_LEASE_TTL_MS: '2000' }),
  };
  try {
    await at.daemon.waitForLog(isWatching('INBOX', provider.id));
    await work(at);
  } finally {
    expect(await at.daemon.stop()).toBe(0);
    await world.changeProvider(provider, 'email_providers', { is_active: false });
    await server.close();
  }
}

async function restart(at: Scene): Promise<void> {
  expect(await at.daemon.stop()).toBe(0);
  at.daemon = startDaemon({ ...world.env, IMAP_LEASE_TTL_MS: '2000' });
  await at.daemon.waitForLog(isWatching('INBOX', at.provider.id));
}

/** What the worker does with an entry: the ledger says processed, then the entry is acknowledged. */
async function process(count: number): Promise<void> {
  await world.redis.xgroup('CREATE', world.stream, WORKER_GROUP, '0', 'MKSTREAM').catch(() => undefined);
  const reply = (await world.redis.xreadgroup(
    'GROUP',
    WORKER_GROUP,
    'c',
    'COUNT',
    count,
    'STREAMS',
    world.stream,
    '>',
  )) as [string, [string, string[]][]][] | null;
  for (const [id, fields] of reply?.[0]?.[1] ?? []) {
    const event = fields[fields.indexOf('event_id') + 1];
    await world.sql(
      `UPDATE inbound_messages SET status = 'processed', processed_at = now() WHERE event_id = $1`,
      [event],
    );
    await world.redis.xack(world.stream, WORKER_GROUP, id);
  }
}

async function subjects(atLeast: number): Promise<readonly string[]> {
  return (await world.entries(atLeast)).map((entry) => entry.payload.emailData.subject);
}

describe('after lost data', () => {
  it('a Redis that came back empty gets what was not processed, in order, and nothing that was', () =>
    scene(async (at) => {
      at.deliver('a', 'b', 'c', 'd');
      await world.entries(4);
      await process(2);
      await world.redis.flushdb();
      await restart(at);
      expect(await subjects(2)).toEqual(['c', 'd']);
      at.deliver('e');
      expect(await subjects(3)).toEqual(['c', 'd', 'e']);
    }));

  it('a Redis that is emptied while the daemon runs is filled again without a restart', () =>
    scene(async (at) => {
      at.deliver('a', 'b', 'c');
      await world.entries(3);
      await process(1);
      await at.daemon.waitForLog((line) => line.message === 'run committed');
      await world.redis.flushdb();
      await at.daemon.waitForLog(
        (line) => line.message === 'a store is not the one it was; comparing ledger, stream and mailboxes',
      );
      expect(await subjects(2)).toEqual(['b', 'c']);
    }));

  it('a Redis that lost its tail gets the tail again', () =>
    scene(async (at) => {
      at.deliver('a', 'b', 'c');
      const entries = await world.entries(3);
      await world.redis.xdel(world.stream, entries[2]?.id ?? '');
      await restart(at);
      expect(await subjects(3)).toEqual(['a', 'b', 'c']);
    }));

  it('an entry that was lost is missed also where another one has its id, as after a failover', () =>
    scene(async (at) => {
      at.deliver('a', 'b');
      const [a, b] = await world.entries(2);
      const stranger = Object.entries({ ...b?.fields, event_id: ANOTHER }).flat();
      await world.redis.del(world.stream);
      await world.redis.xadd(world.stream, a?.id ?? '', ...Object.entries(a?.fields ?? {}).flat());
      await world.redis.xadd(world.stream, b?.id ?? '', ...stranger);
      await restart(at);
      const eventIds = (await world.entries(3)).map(({ fields }) => fields['event_id']);
      expect(eventIds).toEqual([a?.fields['event_id'], ANOTHER, b?.fields['event_id']]);
    }));

  it('entries that wait, also pending ones, are not published a second time', () =>
    scene(async (at) => {
      at.deliver('a', 'b', 'c');
      await world.entries(3);
      await world.redis.xgroup('CREATE', world.stream, WORKER_GROUP, '0');
      await world.redis.xreadgroup('GROUP', WORKER_GROUP, 'c', 'COUNT', 1, 'STREAMS', world.stream, '>');
      await restart(at);
      at.deliver('d');
      expect(await subjects(4)).toEqual(['a', 'b', 'c', 'd']);
    }));

  it('an effect that PostgreSQL lost after the entry was acknowledged is asked for again', () =>
    scene(async (at) => {
      at.deliver('a', 'b');
      await world.entries(2);
      await process(2);
      await world.sql(
        `UPDATE inbound_messages SET status = 'published', processed_at = NULL WHERE provider_id = $1 AND uid = 2`,
        [at.provider.id],
      );
      await restart(at);
      expect(await subjects(3)).toEqual(['a', 'b', 'b']);
    }));

  it('a PostgreSQL that forgot the last messages ingests them again while the daemon runs on', () =>
    scene(async (at) => {
      at.deliver('a', 'b', 'c');
      await world.entries(3);
      const [row] = await world.sql<{ state: Record<string, unknown> }>(
        `SELECT folder_state -> 'INBOX' AS state FROM imap_email_provider_config WHERE email_provider_id = $1`,
        [at.provider.id],
      );
      const older = { ...row?.state, last_uid: '1', publish_seq: '1' };
      await world.sql(
        `WITH gone AS (DELETE FROM inbound_messages WHERE provider_id = $1 AND uid > 1)
         UPDATE imap_email_provider_config SET folder_state = jsonb_build_object('INBOX', $2::jsonb) WHERE email_provider_id = $1`,
        [at.provider.id, JSON.stringify(older)],
      );
      at.deliver('d');
      // Twice in the stream, with the same event id: the worker's gate knows them.
      const entries = await world.entries(6);
      expect(entries.map((entry) => entry.payload.emailData.subject)).toEqual(['a', 'b', 'c', 'b', 'c', 'd']);
      expect(new Set(entries.map((entry) => entry.fields['event_id'])).size).toBe(4);
    }));
});
