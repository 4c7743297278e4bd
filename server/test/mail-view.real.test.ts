/** Looking at mails: by time, as the original, as a page that can do nothing; and how fast they went through. */
import { describe, expect, test } from 'vitest';
import { useServer, type Answer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage, insertTicket } from './rows.ts';

const { call, owner, storage, a, b } = await useServer();
const provider = String((await call('POST', '/api/email/providers', { body: providerBody() })).json.id);

const HOSTILE =
  '<p onclick="x()">Hello</p><script>alert(1)</script><img src="https://tracker.example/1.gif"><a href="https://example.org/">x</a>';

async function letterWithEntry(eventId: string): Promise<void> {
  const payload = JSON.stringify({ emailData: { body: { text: 'Hello', html: HOSTILE } } });
  await owner.query(
    `INSERT INTO dead_letters (tenant, event_id, source, state, code, detail, attempts, stream, entry_id, entry)
     VALUES ($1, $2::uuid, 'worker', 'open', 'WORKER_FAILED', 'x', 3, 'events', $2::text, $3)`,
    [a.tenant, eventId, JSON.stringify(['event_id', eventId, 'payload_json', payload])],
  );
}

function expectHarmless(answer: Answer): void {
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toContain('text/html');
  const policy = String(answer.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain('sandbox');
  expect(policy).toContain("frame-ancestors 'self'");
  expect(answer.headers['x-frame-options']).toBe('SAMEORIGIN');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.text).toContain('Hello');
  expect(answer.text).not.toMatch(/script|onclick|tracker/);
}

test('messages are found by when they came', async () => {
  const old = await insertMessage(owner, a.tenant, provider, { receivedAt: '2020-01-01T10:00:00Z' });
  await insertMessage(owner, a.tenant, provider);
  const of = async (query: string): Promise<unknown[]> =>
    (JSON.parse((await call('GET', `/api/email/messages?${query}`)).text) as { items: unknown[] }).items;
  expect(await of('until=2020-01-01T10:00:01Z')).toMatchObject([{ eventId: old }]);
  expect(await of('since=2020-01-01T10:00:00Z&until=2020-01-01T10:00:01Z')).toHaveLength(1);
  expect(await of('since=2020-01-01T10:00:01Z&until=2020-01-02T00:00:00Z')).toEqual([]);
  expect((await call('GET', '/api/email/messages?since=yesterday')).status).toBe(400);
});

test('the original of any message is downloaded as a file, under a name of ours', async () => {
  const key = `${a.tenant}/raw/ab/original.eml`;
  await storage.put(key, Buffer.from('Subject: x\r\n\r\n<script>alert(1)</script>'));
  const eventId = await insertMessage(owner, a.tenant, provider, { storageKey: key, status: 'processed' });
  const answer = await call('GET', `/api/email/messages/${eventId}/raw`);
  expect(answer.text).toBe('Subject: x\r\n\r\n<script>alert(1)</script>');
  expect(answer.headers['content-disposition']).toBe(`attachment; filename="${eventId}.eml"`);
  expect(answer.headers['content-type']).toContain('message/rfc822');
  const without = await insertMessage(owner, a.tenant, provider);
  expect((await call('GET', `/api/email/messages/${without}/raw`)).status).toBe(404);
});

test('a dead letter is shown from its entry, harmless', async () => {
  const eventId = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    reason: 'WORKER_FAILED',
  });
  expect((await call('GET', `/api/email/messages/${eventId}`)).json.hasPreview).toBe(false);
  expect((await call('GET', `/api/email/messages/${eventId}/preview`)).status).toBe(404);
  await letterWithEntry(eventId);
  const detail = await call('GET', `/api/email/messages/${eventId}`);
  expect(detail.json).toMatchObject({
    hasPreview: true,
    reasonText: 'An event could not be turned into a ticket, however often it was tried.',
  });
  expectHarmless(await call('GET', `/api/email/messages/${eventId}/preview`));
  expect((await call('GET', `/api/email/messages/${eventId}/preview`, { token: b.token })).status).toBe(404);
});

test('an entry that cannot be read has no preview', async () => {
  for (const entry of ['["payload_json","{"]', '["payload_json"]', '[]', '{}', 'nonsense']) {
    const eventId = await insertMessage(owner, a.tenant, provider, { status: 'dead_letter' });
    await letterWithEntry(eventId);
    await owner.query('UPDATE dead_letters SET entry = $1 WHERE event_id = $2', [entry, eventId]);
    expect((await call('GET', `/api/email/messages/${eventId}/preview`)).status).toBe(404);
  }
});

test('a comment is shown from what the worker kept, harmless', async () => {
  const ticket = await insertTicket(owner, a.tenant);
  const { rows } = await owner.query<{ id: string; event_id: string }>(
    'UPDATE ticket_comments SET body_html = $1 WHERE ticket_id = $2 RETURNING id, event_id',
    [HOSTILE, ticket],
  );
  const [comment] = rows;
  expectHarmless(await call('GET', `/api/tickets/${ticket}/comments/${comment?.id ?? ''}/preview`));
  const other = await insertTicket(owner, a.tenant);
  expect((await call('GET', `/api/tickets/${other}/comments/${comment?.id ?? ''}/preview`)).status).toBe(404);
});

describe('how long mail took to get here', () => {
  interface Buckets {
    readonly stepSeconds: number;
    readonly buckets: readonly {
      readonly received: number;
      readonly arrivalMs: { readonly p50: number; readonly p95: number } | null;
    }[];
  }
  const read = async (path: string): Promise<Buckets> =>
    JSON.parse((await call('GET', path)).text) as Buckets;
  const measured = ({ buckets }: Buckets) => buckets.filter(({ arrivalMs }) => arrivalMs !== null);

  test('is shown for each mailbox and for all, without mail that was there before it was connected', async () => {
    const create = async (): Promise<string> =>
      (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
    const [id, other] = [await create(), await create()];
    await owner.query(
      `UPDATE email_providers SET created_at = now() - interval '1 hour' WHERE id = ANY($1)`,
      [[id, other]],
    );
    const now = Date.now();
    const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
    const receivedAt = ago(1);
    // One that took 4 seconds, one by a clock that is ahead, one from before, and one without a time.
    for (const internalDate of [ago(5), ago(-60), ago(7_200)])
      await insertMessage(owner, a.tenant, id, { receivedAt, internalDate });
    await insertMessage(owner, a.tenant, id, { receivedAt });
    await insertMessage(owner, a.tenant, other, { receivedAt, internalDate: ago(61) });
    const own = await read(`/api/email/providers/${id}/history`);
    expect(own.stepSeconds * own.buckets.length).toBe(24 * 3600);
    expect(own.buckets.reduce((sum, { received }) => sum + received, 0)).toBe(4);
    expect(measured(own)).toEqual([{ ...measured(own)[0], arrivalMs: { p50: 2000, p95: 3800 } }]);
    expect((await read(`/api/email/providers/${id}/history?hours=1`)).stepSeconds).toBe(60);
    expect((await call('GET', `/api/email/providers/${id}/history?hours=1000`)).status).toBe(400);
    const all = measured(await read('/api/operations/history?minutes=10')).map(({ arrivalMs }) => arrivalMs);
    expect(Math.max(...all.map((arrival) => arrival?.p95 ?? 0))).toBeGreaterThan(50_000);
  });
});

test('operators see how many came, how fast they went through, and what waits', async () => {
  const eventId = await insertMessage(
    owner,
    b.tenant,
    String((await call('POST', '/api/email/providers', { body: providerBody(), token: b.token })).json.id),
    { status: 'processed' },
  );
  await owner.query(
    `UPDATE inbound_messages SET published_at = received_at + interval '40 milliseconds', processed_at = received_at + interval '300 milliseconds'
      WHERE event_id = $1`,
    [eventId],
  );
  const { text, json } = await call('GET', '/api/operations/history?minutes=10');
  const { buckets } = JSON.parse(text) as {
    buckets: { received: number; processed: number; publishMs: object | null; processMs: object | null }[];
  };
  expect(buckets).toHaveLength(60);
  // Messages of both tenants, of the last minutes alone.
  const { rows } = await owner.query<{ recent: number }>(
    `SELECT count(*)::int AS recent FROM inbound_messages WHERE received_at > now() - interval '10 minutes'`,
  );
  expect(buckets.reduce((sum, { received }) => sum + received, 0)).toBe(rows[0]?.recent);
  expect(buckets.find(({ processed }) => processed === 1)).toMatchObject({
    publishMs: { p50: 40, p95: 40 },
    processMs: { p50: 300, p95: 300 },
  });
  expect(json.waiting).toMatchObject({ toProcess: 0 });
  expect(text).not.toContain(b.tenant);
  const queues = await call('GET', '/api/operations/queues');
  expect(queues.json).toEqual({ items: [], hasBoard: false });
});
