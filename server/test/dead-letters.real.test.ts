import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { useServer, type JsonValue } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage } from './rows.ts';

const { call, owner, a, b, token } = await useServer();
const provider = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
const URL = '/api/email/dead-letters';

let nextEntry = 1;
/** As the worker leaves it: the letter and the note in the ledger. */
async function workerLetter(
  more: { readonly code?: string; readonly entry?: string | null; readonly tenant?: string } = {},
): Promise<string> {
  const { code = 'WORKER_FAILED', tenant = a.tenant } = more;
  const eventId =
    tenant === a.tenant
      ? await insertMessage(owner, tenant, provider, { status: 'dead_letter', reason: `${code}: why` })
      : randomUUID();
  await owner.query(
    `INSERT INTO dead_letters (tenant, event_id, source, stream, entry_id, entry, code, detail, attempts, history)
     VALUES ($1, $2, 'worker', 's', $3, $4, $5, 'five attempts failed', 5, $6)`,
    [
      ...[
        tenant,
        eventId,
        `${nextEntry++}-0`,
        more.entry === undefined ? '["tenant","x"]' : more.entry,
        code,
      ],
      JSON.stringify([{ attempt: 1, at: '2026-01-01T00:00:00.000Z', code: '22P02', detail: 'error 22P02' }]),
    ],
  );
  return eventId;
}

const applied = (eventId: string): Promise<unknown> =>
  owner.query(
    `INSERT INTO email_processed_messages (tenant, event_id, provider_id, outcome) VALUES ($1, $2, $3, 'ticket')`,
    [a.tenant, eventId, provider],
  );

async function listed(query = ''): Promise<readonly JsonValue[]> {
  const answer = await call('GET', `${URL}?limit=200&${query}`);
  expect(answer.status).toBe(200);
  return answer.json.items as unknown as readonly JsonValue[];
}
const idsOf = (items: readonly JsonValue[]): string[] => items.map((item) => String(item.eventId)).toSorted();

const stored = async (eventId: string): Promise<Record<string, unknown>> =>
  (await owner.query<Record<string, unknown>>('SELECT * FROM dead_letters WHERE event_id = $1', [eventId]))
    .rows[0] ?? {};

test('letters of the worker and of the daemon are one list, without what is done or discarded', async () => {
  const worker = await workerLetter();
  const ingest = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    reason: 'PARSER_KILLED',
    subject: 'bomb',
  });
  const done = await workerLetter();
  await applied(done);
  const items = await listed();
  expect(idsOf(items)).toEqual([worker, ingest].toSorted());
  expect(items.find((item) => item.eventId === ingest)).toMatchObject({
    source: 'ingest',
    state: 'open',
    code: 'PARSER_KILLED',
    subject: 'bomb',
    providerName: 'Support',
  });
  expect(idsOf(await listed('state=replayed'))).toEqual([done]);
  expect(idsOf(await listed('source=ingest'))).toEqual([ingest]);
  expect(idsOf(await listed('code=WORKER_FAILED'))).toEqual([worker]);
  expect((await call('GET', `${URL}/${worker}`)).json).toMatchObject({
    attempts: 5,
    history: [{ attempt: 1, code: '22P02' }],
    entry: [{ name: 'tenant', value: 'x' }],
  });
});

test('the list is paged, each letter once', async () => {
  for (let i = 0; i < 5; i += 1) await workerLetter({ code: 'PAGED' });
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = (await call('GET', `${URL}?code=PAGED&limit=2${cursor}`)).json;
    seen.push(...idsOf(page.items as unknown as readonly JsonValue[]));
    cursor = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
});

test('a replay that is asked for twice is asked for once, and the log says who did', async () => {
  const eventId = await workerLetter();
  const first = await call('POST', `${URL}/${eventId}/replay`, { body: {} });
  expect(first.json).toMatchObject({ dryRun: false, matched: 1, replayed: 1 });
  const { replay_id: replayId } = await stored(eventId);
  const [second, third] = await Promise.all([
    call('POST', `${URL}/${eventId}/replay`),
    call('POST', `${URL}/${eventId}/replay`),
  ]);
  for (const again of [second, third])
    expect(again.json).toMatchObject({ replayed: 0, skipped: { alreadyReplaying: 1 } });
  expect(await stored(eventId)).toMatchObject({ state: 'replaying', replay_id: replayId });
  const { rows } = await owner.query(`SELECT action FROM audit_log WHERE tenant = $1 AND subject_id = $2`, [
    a.tenant,
    eventId,
  ]);
  expect(rows).toEqual([{ action: 'dead_letter.replayed' }]);
  // Asked for long ago, and nothing came of it.
  await owner.query(
    `UPDATE dead_letters SET replay_requested_at = now() - interval '1 hour' WHERE event_id = $1`,
    [eventId],
  );
  expect((await call('POST', `${URL}/${eventId}/replay`)).json.replayed).toBe(1);
  expect((await stored(eventId))['replay_id']).not.toBe(replayId);
});

test('an event that has its effect is not tried again', async () => {
  const eventId = await workerLetter();
  await applied(eventId);
  expect((await call('POST', `${URL}/${eventId}/replay`)).json).toMatchObject({
    replayed: 0,
    skipped: { hasEffect: 1 },
  });
  expect(await stored(eventId)).toMatchObject({ state: 'open', replay_id: null });
  expect((await call('POST', `${URL}/${eventId}/discard`, { body: { reason: 'x' } })).status).toBe(409);
});

test('a dry run tells what would be done, and does nothing', async () => {
  const ids = [await workerLetter({ code: 'DRY' }), await workerLetter({ code: 'DRY' })];
  const lost = await workerLetter({ code: 'DRY', entry: null });
  const expected = {
    matched: 3,
    replayed: 2,
    byCode: [{ code: 'DRY', count: 2 }],
    skipped: { hasEffect: 0, alreadyReplaying: 0, notReplayable: 1 },
    remaining: 0,
  };
  const dry = await call('POST', `${URL}/replay`, { body: { code: 'DRY', dryRun: true } });
  expect(dry.json).toEqual({ ...expected, dryRun: true });
  for (const id of ids) expect(await stored(id)).toMatchObject({ state: 'open' });
  const real = await call('POST', `${URL}/replay`, { body: { code: 'DRY' } });
  expect(real.json).toEqual({ ...expected, dryRun: false });
  for (const id of ids) expect(await stored(id)).toMatchObject({ state: 'replaying' });
  expect(await stored(lost)).toMatchObject({ state: 'open' });
});

test('what the daemon gave up on goes back to the daemon, as published and in no stream', async () => {
  const eventId = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    reason: 'PARSER_KILLED',
    storageKey: `${a.tenant}/raw/aa/x.eml`,
  });
  const version = async (): Promise<unknown> =>
    (
      await owner.query<{ audit_version: unknown }>(
        'SELECT audit_version FROM imap_email_provider_config WHERE email_provider_id = $1',
        [provider],
      )
    ).rows[0]?.audit_version;
  const before = await version();
  expect((await call('POST', `${URL}/${eventId}/replay`)).json).toMatchObject({ replayed: 1 });
  const { rows } = await owner.query(
    `SELECT status, reason, publish_seq > 0 AS numbered, stream_entry_id, published_at IS NOT NULL AS at FROM inbound_messages WHERE event_id = $1`,
    [eventId],
  );
  expect(rows).toEqual([
    { status: 'published', reason: null, numbered: true, stream_entry_id: null, at: true },
  ]);
  expect(await version()).not.toBe(before);
  expect((await call('GET', `${URL}/${eventId}`)).json.state).toBe('replaying');
  await owner.query(
    `UPDATE inbound_messages SET status = 'dead_letter', reason = 'RAW_MISSING' WHERE event_id = $1`,
    [eventId],
  );
  expect((await call('GET', `${URL}/${eventId}`)).json.state).toBe('open');
});

test('what is discarded leaves the list with its reason, and may be tried again by name', async () => {
  const worker = await workerLetter({ code: 'GONE' });
  const ingest = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    reason: 'RAW_MISSING',
  });
  for (const id of [worker, ingest]) {
    const answer = await call('POST', `${URL}/${id}/discard`, { body: { reason: 'Sent again by hand' } });
    expect(answer.json).toMatchObject({ state: 'discarded', discardReason: 'Sent again by hand' });
  }
  const open = idsOf(await listed());
  expect(open).not.toContain(worker);
  expect(open).not.toContain(ingest);
  expect((await call('POST', `${URL}/replay`, { body: { code: 'GONE' } })).json.matched).toBe(0);
  expect((await call('POST', `${URL}/${worker}/replay`)).json.replayed).toBe(1);
});

test('another tenant’s letters do not exist, and only who may write can replay', async () => {
  const theirs = await workerLetter({ tenant: b.tenant });
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/raw'],
    ['GET', '/download'],
    ['POST', '/replay'],
    ['POST', '/discard'],
  ] as const) {
    const body = path === '/discard' ? { reason: 'x' } : undefined;
    const answer = await call(method, `${URL}/${theirs}${path}`, { body });
    expect.soft(answer.status, path).toBe(404);
  }
  expect((await call('POST', `${URL}/replay`, { body: { eventIds: [theirs] } })).json.matched).toBe(0);
  expect(idsOf(await listed('state=all'))).not.toContain(theirs);
  expect(await stored(theirs)).toMatchObject({ state: 'open' });

  const reader = await token(a.tenant, ['messages:read']);
  const mine = await workerLetter();
  expect((await call('POST', `${URL}/${mine}/replay`, { token: reader })).status).toBe(403);
  expect((await call('POST', `${URL}/replay`, { token: reader })).status).toBe(403);
  expect((await call('GET', `${URL}/strays`, { token: reader })).status).toBe(403);
});

test('an operator hears of entries that are nobody’s, and sees nothing of their content', async () => {
  await owner.query(
    `INSERT INTO stray_dead_letters (stream, entry_id, entry, code, detail) VALUES ('s', '1-1', '["a","canary"]', 'ENTRY_INVALID', 'no')`,
  );
  const answer = await call('GET', `${URL}/strays`);
  expect(answer.json.items).toMatchObject([
    {
      ...{ stream: 's', entryId: '1-1', code: 'ENTRY_INVALID' },
      text: 'An entry of the event stream is not an event that can be read.',
      hint: expect.stringContaining('what writes to the stream') as string,
    },
  ]);
  expect(answer.text).not.toContain('canary');
});
