/** Live changes for open pages: who hears what, over how many servers, and when it ends. */
import { notifyChanges } from '@mailstream/shared/db/notices';
import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createPgChangeFeed } from '../src/adapters/pg-change-feed.ts';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { usePooler } from '@mailstream/shared/testing/pooler';
import { PASSWORD, useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage } from './rows.ts';

const harness = await useServer();
const { app, call, a, b, token, owner, feed, changes, ports, rebuild, database } = harness;
const open = new Set<AbortController>();
let origin: string;

/** One open page: what it hears, as it comes. */
interface Listening {
  readonly status: number;
  readonly headers: Headers;
  /** Resolves when what was heard matches. */
  until(pattern: RegExp): Promise<string>;
  readonly ended: Promise<void>;
  close(): void;
}

async function listen(headers: Record<string, string>, at = origin): Promise<Listening> {
  const aborter = new AbortController();
  open.add(aborter);
  const response = await fetch(`${at}/api/stream`, { headers, signal: aborter.signal });
  let heard = '';
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      heard += decoder.decode(chunk as Uint8Array, { stream: true });
      for (const look of waiting) look();
    }
  };
  const ended = read().catch(() => undefined);
  return {
    status: response.status,
    headers: response.headers,
    ended,
    close: () => aborter.abort(),
    until: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(heard)) return;
          waiting.delete(look);
          resolve(heard);
        };
        waiting.add(look);
        look();
      }),
  };
}

const bearer = (value: string): Record<string, string> => ({ authorization: `Bearer ${value}` });

async function logIn(email: string): Promise<string> {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/auth/login',
    payload: { email, password: PASSWORD },
  });
  return `mailstream_session=${String(answer.cookies[0]?.value)}`;
}

async function address(server: FastifyInstance): Promise<string> {
  return server.listen({ host: '127.0.0.1', port: 0 });
}

beforeAll(async () => {
  await feed.start();
  await changes.start();
  origin = await address(app);
});

afterAll(() => {
  for (const aborter of open) aborter.abort();
});

describe('an open page', () => {
  test('hears of a change that anybody makes in its tenant, and of none in another', async () => {
    const [own, foreign] = [await listen(bearer(a.token)), await listen(bearer(b.token))];
    expect(own.status).toBe(200);
    expect(own.headers.get('content-type')).toContain('text/event-stream');
    expect(own.headers.get('cache-control')).toBe('no-store');
    await Promise.all([own.until(/event: open/), foreign.until(/event: open/)]);
    // Notices may still be on their way to being heard.
    await expect
      .poll(async () => {
        await database.withTenant(a.tenant, (trx) =>
          notifyChanges(trx, [{ tenant: a.tenant, topic: 'tickets' }]),
        );
        return Promise.race([own.until(/"tickets"/), new Promise((resolve) => setImmediate(resolve, ''))]);
      })
      .toMatch(/tickets/);
    await call('POST', '/api/email/providers', { body: providerBody() });
    expect(await own.until(/"providers"/)).toMatch(/event: change\ndata: \{"topics":\[.*"providers"/);
    changes.tell(b.tenant, 'messages');
    expect(await foreign.until(/"messages"/)).not.toMatch(/tickets/);
    own.close();
    foreign.close();
  });

  test('hears only what its rights let it read', async () => {
    const page = await listen(bearer(await token(a.tenant, ['tickets:read'])));
    for (const topic of ['providers', 'messages', 'tickets'] as const) changes.tell(a.tenant, topic);
    expect(await page.until(/event: change/)).toContain('{"topics":["tickets"]}');
    page.close();
  });

  test('without a login there is none', async () => {
    expect((await listen({})).status).toBe(401);
    expect((await listen(bearer('mst_wrong'))).status).toBe(401);
  });

  test('ends when its session is logged out, and others go on', async () => {
    const [cookie, other] = [await logIn(a.users.viewer.email), await logIn(a.users.viewer.email)];
    const [page, stays] = [await listen({ cookie }), await listen({ cookie: other })];
    await page.until(/event: open/);
    await fetch(`${origin}/api/auth/logout`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: '{}',
    });
    await page.until(/event: end/);
    await page.ended;
    changes.tell(a.tenant, 'messages');
    expect(await stays.until(/"messages"/)).not.toMatch(/event: end/);
    stays.close();
  });

  test('ends when its token is revoked or expires, and when its user is disabled', async () => {
    const ending = async (headers: Record<string, string>, statement: string, values: unknown[]) => {
      const page = await listen(headers);
      await page.until(/event: open/);
      await owner.query(statement, values);
      changes.tell(a.tenant, 'sessions');
      await page.until(/event: end/);
      await page.ended;
    };
    const value = await token(a.tenant, ['messages:read']);
    await ending(
      bearer(value),
      `UPDATE api_tokens SET revoked_at = now() WHERE tenant = $1 AND scopes = '["messages:read"]'`,
      [a.tenant],
    );
    const cookie = await logIn(a.users.viewer.email);
    await ending({ cookie }, 'UPDATE users SET disabled_at = now() WHERE id = $1', [a.users.viewer.id]);
    await owner.query('UPDATE users SET disabled_at = NULL WHERE id = $1', [a.users.viewer.id]);
  });

  test('one person has ten at most, and a closed one makes room', async () => {
    const headers = bearer(await token(a.tenant, ['providers:read']));
    const pages: Listening[] = [];
    for (let i = 0; i < 10; i += 1) pages.push(await listen(headers));
    expect(pages.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await listen(headers)).status).toBe(429);
    pages[0]?.close();
    await expect.poll(async () => (await listen(headers)).status, { timeout: 10_000 }).toBe(200);
    for (const page of pages) page.close();
  });
});

test('with several servers a page hears of a change that came in by another one', async () => {
  const second = createPgChangeFeed({
    database,
    directUrl: harness.databaseUrl,
    clock: systemClock,
    log: ports.log,
    pollMs: 50,
  });
  const heard: string[] = [];
  const unsubscribe = second.subscribe(a.tenant, (topic) => void heard.push(topic));
  onTestFinished(() => second.stop());
  await second.start();
  // Everything is told once when notices begin to be heard.
  await expect.poll(() => heard.includes('sessions'), { timeout: 20_000 }).toBe(true);
  heard.length = 0;
  await call('POST', '/api/clients', { body: { name: 'Elsewhere', domains: [] } });
  await expect.poll(() => heard, { timeout: 20_000 }).toContain('tickets');
  unsubscribe();
});

const pooler = await usePooler([harness.databaseUrl]);

test.each([
  // Takes LISTEN and passes nothing on.
  ...(pooler === null ? [] : [['behind a transaction pooler', pooler.through(harness.databaseUrl)] as const]),
  ['with a way that leads nowhere', 'postgres://nobody@127.0.0.1:1/none'] as const,
])('%s changes are looked for, as no notices arrive', async (name, directUrl) => {
  const deaf = createPgChangeFeed({
    database,
    directUrl,
    clock: systemClock,
    log: ports.log,
    pollMs: 20,
  });
  const heard: string[] = [];
  const foreign: string[] = [];
  const unsubscribe = [
    deaf.subscribe(a.tenant, (topic) => void heard.push(topic)),
    deaf.subscribe(b.tenant, (topic) => void foreign.push(topic)),
  ];
  onTestFinished(() => deaf.stop());
  await deaf.start();
  // What changed before the first look is told once.
  await expect.poll(() => [heard.length, foreign.length], { timeout: 20_000 }).toEqual([3, 3]);
  heard.length = 0;
  foreign.length = 0;
  const created = await call('POST', '/api/email/providers', {
    body: { ...providerBody(), providerName: name, mailbox: `${name.split(' ').join('-')}@example.com` },
  });
  expect(created.status).toBe(201);
  await expect
    .poll(
      async () => {
        await insertMessage(owner, a.tenant, String(created.json['id']), { subject: 'New' });
        return heard;
      },
      { timeout: 20_000 },
    )
    .toContain('messages');
  await owner.query(`UPDATE email_providers SET status = 'error' WHERE tenant = $1`, [a.tenant]);
  await expect.poll(() => heard, { timeout: 20_000 }).toContain('providers');
  expect(heard).not.toContain('tickets');
  expect(foreign).toEqual([]);
  for (const end of unsubscribe) end();
});

test('a server that stops does not wait for a connection that has asked nothing', async () => {
  const leaving = await rebuild({});
  const { port } = new URL(await address(leaving));
  const socket = connect(Number(port), '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(leaving.server, 'connection');
  await leaving.close();
  await closed;
});

test('a server that stops ends its pages', async () => {
  const leaving = await rebuild({});
  const page = await listen(bearer(a.token), await address(leaving));
  await page.until(/event: open/);
  await leaving.close();
  await page.ended;
});
