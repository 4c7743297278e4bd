/** Rules for incoming mail over the API: written, ordered, shown with their counts, and tried on messages that are here. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ErrorBody } from '../src/contracts/errors.ts';
import { toAnswer, useServer, type Answer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage, insertTicket } from './rows.ts';

const { app, call, owner, storage, a, b, token, rebuild } = await useServer();

const URL = '/api/email/rules';
const when = { field: 'subject', operator: 'contains', value: 'invoice' };
const body = (change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  name: 'Invoices',
  when,
  actions: [{ kind: 'tag', tags: ['money'] }],
  ...change,
});

beforeEach(async () => {
  await owner.query('DELETE FROM email_rules');
  await owner.query('DELETE FROM audit_log');
});

async function add(change: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const answer = await call('POST', URL, { body: body(change) });
  expect(answer.status).toBe(201);
  return answer.json.id ?? '';
}

const names = (answer: Answer): readonly string[] =>
  (answer.json.items as unknown as { name: string }[]).map(({ name }) => name);
const version = async (): Promise<unknown> =>
  (
    await owner.query<{ version: string }>('SELECT version FROM email_rule_sets WHERE tenant = $1', [
      a.tenant,
    ])
  ).rows[0]?.version;
const fields = (answer: Answer): readonly string[] =>
  ((answer.json as unknown as ErrorBody).error.fields ?? []).map(
    ({ field, message }) => `${field}: ${message}`,
  );
const newMailbox = async (): Promise<string> =>
  (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';

async function newClient(tenant: string, isActive = true): Promise<string> {
  const id = randomUUID();
  await owner.query('INSERT INTO clients (tenant, id, name, is_active) VALUES ($1, $2, $3, $4)', [
    ...[tenant, id, 'Acme', isActive],
  ]);
  return id;
}

describe('rules', () => {
  test('are added behind the others, read, replaced, switched and removed; workers and the audit log hear of each', async () => {
    const versions = [await version()];
    const first = await add();
    versions.push(await version());
    await add({ name: 'Second' });
    expect(names(await call('GET', URL))).toEqual(['Invoices', 'Second']);
    const shown = await call('GET', `${URL}/${first.toUpperCase()}`);
    expect(shown.json).toMatchObject({
      ...{
        id: first,
        name: 'Invoices',
        isEnabled: true,
        isDryRun: false,
        stopsOnMatch: false,
        providerId: null,
      },
      when: { ...when, isCaseSensitive: false },
      actions: [{ kind: 'tag', tags: ['money'] }],
      ...{ isBroken: false, problems: [], storedText: null, matchCount: 0, lastMatchedAt: null },
    });
    const replaced = await call('PUT', `${URL}/${first}`, { body: body({ name: 'Bills', isDryRun: true }) });
    expect(replaced).toMatchObject({ status: 200, json: { name: 'Bills', isDryRun: true } });
    versions.push(await version());
    expect((await call('POST', `${URL}/${first}/disable`)).json).toMatchObject({ isEnabled: false });
    expect((await call('POST', `${URL}/${first}/disable`)).json).toMatchObject({ isEnabled: false });
    versions.push(await version());
    expect((await call('POST', `${URL}/${first}/enable`)).json).toMatchObject({ isEnabled: true });
    expect(names(await call('GET', URL))).toEqual(['Bills', 'Second']);
    expect((await call('DELETE', `${URL}/${first}`)).status).toBe(204);
    versions.push(await version());
    expect((await call('DELETE', `${URL}/${first}`)).status).toBe(404);
    expect(new Set(versions).size).toBe(versions.length);
    const { rows } = await owner.query(
      `SELECT action, before ->> 'name' AS before, after ->> 'name' AS after FROM audit_log WHERE subject_id = $1 ORDER BY at`,
      [first],
    );
    expect(rows).toEqual([
      { action: 'email_rule.create', before: null, after: 'Invoices' },
      { action: 'email_rule.replace', before: 'Invoices', after: 'Bills' },
      { action: 'email_rule.disable', before: null, after: null },
      { action: 'email_rule.enable', before: null, after: null },
      { action: 'email_rule.delete', before: 'Bills', after: null },
    ]);
  });

  test('are ordered in one request, that names all of them', async () => {
    const [one, two, three] = [await add({ name: '1' }), await add({ name: '2' }), await add({ name: '3' })];
    const foreign = (await call('POST', URL, { body: body(), token: b.token })).json.id ?? '';
    const ordered = await call('PUT', `${URL}/order`, { body: { ids: [three, one, two] } });
    expect(names(ordered)).toEqual(['3', '1', '2']);
    for (const ids of [
      [three, one],
      [three, one, one],
      [three, one, two, two],
      [three, one, foreign],
    ])
      expect(fields(await call('PUT', `${URL}/order`, { body: { ids } }))).toEqual([
        'ids: This must name every rule, each once. Load the list again.',
      ]);
    await call('DELETE', `${URL}/${one}`);
    await add({ name: '4' });
    expect(names(await call('GET', URL))).toEqual(['3', '2', '4']);
    expect(names(await call('GET', URL, { token: b.token }))).toEqual(['Invoices']);
    const { rows } = await owner.query(
      `SELECT before, after FROM audit_log WHERE action = 'email_rule.reorder'`,
    );
    expect(rows).toEqual([{ before: { ids: [one, two, three] }, after: { ids: [three, one, two] } }]);
  });

  test('that are added at the same time get places of their own', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, at) => add({ name: String(at) })));
    const { rows } = await owner.query<{ position: number }>('SELECT position FROM email_rules ORDER BY 1');
    expect(rows.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('are added last, also where those of a removed mailbox left a gap', async () => {
    await add({ providerId: await newMailbox() });
    const mailbox = await newMailbox();
    for (const name of ['1', '2', '3']) await add({ name, ...(name === '2' ? { providerId: mailbox } : {}) });
    await call('DELETE', `/api/email/providers/${mailbox}`);
    for (let at = 0; at < 5; at += 1) await add({ name: `late ${at}` });
    expect(names(await call('GET', URL))).toEqual([
      ...['Invoices', '1', '3', 'late 0', 'late 1', 'late 2', 'late 3', 'late 4'],
    ]);
  });

  test('show how often they matched and when last', async () => {
    const id = await add();
    await owner.query(
      `INSERT INTO email_rule_counts (tenant, rule_id, slot, matches, last_matched_at)
       VALUES ($1, $2, 0, 40, '2026-01-01T00:00:00Z'), ($1, $2, 7, 2, '2026-01-02T00:00:00Z')`,
      [a.tenant, id],
    );
    const counted = { matchCount: 42, lastMatchedAt: '2026-01-02T00:00:00.000Z' };
    expect((await call('GET', URL)).json.items).toMatchObject([counted]);
    // They are the rule's, whatever it says now.
    expect((await call('PUT', `${URL}/${id}`, { body: body() })).json).toMatchObject(counted);
  });

  test('that are none any more are shown as broken, with what is stored, and can be saved anew', async () => {
    const id = await add();
    const gone = await newClient(a.tenant);
    await add({ name: 'Routes', actions: [{ kind: 'route', clientId: gone }] });
    await owner.query(`UPDATE email_rules SET conditions = '{"field":"moon"}' WHERE id = $1`, [id]);
    await owner.query('UPDATE clients SET is_active = false WHERE id = $1', [gone]);
    const listed = await call('GET', URL);
    expect(listed.json.items).toMatchObject([
      {
        ...{ id, isBroken: true, when: null, actions: null },
        problems: expect.arrayContaining([expect.objectContaining({ field: 'when.field' })]) as unknown,
        storedText: expect.stringContaining('{"field":"moon"}') as string,
      },
      { isBroken: false, problems: [{ field: 'actions.0.clientId' }] },
    ]);
    expect(fields(await call('POST', `${URL}/test`, { body: { ruleId: id } }))[0]).toContain('broken');
    expect((await call('PUT', `${URL}/${id}`, { body: body() })).json).toMatchObject({ isBroken: false });
  });
});

describe('a rule is refused in words', () => {
  const deep = (levels: number): unknown => {
    let condition: unknown = when;
    for (let level = 0; level < levels; level += 1) condition = { not: condition };
    return condition;
  };

  test.each<readonly [what: string, change: Readonly<Record<string, unknown>>, expected: readonly string[]]>([
    [
      'an empty value',
      { when: { all: [{ ...when, value: '' }] } },
      ['when.all.0.value: This must not be empty.'],
    ],
    ['an unknown field', { when: { ...when, field: 'moon' } }, ['when.field: Allowed: ']],
    [
      'an unknown operator',
      { when: { any: [when, { ...when, operator: 'like' }] } },
      ['when.any.1.operator: Allowed: equals, contains'],
    ],
    ['no condition', { when: { all: [] } }, ['when.all: The smallest value is 1.']],
    [
      'a broken expression',
      { when: { ...when, operator: 'matches', value: 'a(b' } },
      ['when.value: The regular expression is refused at character 2: missing closing )'],
    ],
    [
      'an expression that is too large',
      { when: { ...when, operator: 'matches', value: '(?:a{50}){20}' } },
      ['when.value: The regular expression is refused: repeats too much'],
    ],
    [
      'too many conditions',
      { when: { any: Array(51).fill(when) } },
      ['when: This has 51 conditions, 50 are allowed.'],
    ],
    ['conditions too deep', { when: deep(5) }, ['when: This is nested 6 deep, 5 is allowed.']],
    ['a NUL', { when: { ...when, value: 'a\u0000' } }, ['when.value: This must not contain a NUL']],
    [
      'a tag of two lines',
      { actions: [{ kind: 'tag', tags: ['a\nb'] }] },
      ['actions.0.tags.0: This must be one line'],
    ],
    [
      'a route to nowhere',
      { actions: [{ kind: 'route' }] },
      ['actions.0: This must name a queue or a client.'],
    ],
    ['an unknown action', { actions: [{ kind: 'delete' }] }, ['actions.0.kind: ']],
    ['no name and no action', { name: ' ', actions: [] }, ['name: This must not be empty.', 'actions: ']],
    ['an unknown mailbox', { providerId: randomUUID() }, ['providerId: There is no such mailbox.']],
    [
      'an unknown client',
      { actions: [{ kind: 'skip' }, { kind: 'route', clientId: randomUUID() }] },
      ['actions.1.clientId: There is no such client'],
    ],
  ])('%s', async (_, change, expected) => {
    const answer = await call('POST', URL, { body: body(change) });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'VALIDATION_FAILED' } } });
    const found = fields(answer);
    expect(found).toHaveLength(expected.length);
    for (const [at, start] of expected.entries()) expect(found[at]).toContain(start);
    expect(names(await call('GET', URL))).toEqual([]);
  });

  test('when its conditions are nested without end', async () => {
    const levels = 10_000;
    const response = await app.inject({
      method: 'POST',
      url: URL,
      headers: { authorization: `Bearer ${a.token}`, 'content-type': 'application/json' },
      payload: `{"name":"x","actions":[{"kind":"skip"}],"when":${'{"not":'.repeat(levels)}{}${'}'.repeat(levels)}}`,
    });
    expect(fields(toAnswer(response))).toEqual(['when: This is nested too deep, 5 is allowed.']);
  });

  test('when its mailbox or client is another tenant’s, or the client gets no new tickets', async () => {
    const foreign = (await call('POST', '/api/email/providers', { body: providerBody(), token: b.token }))
      .json.id;
    expect(fields(await call('POST', URL, { body: body({ providerId: foreign }) }))).toEqual([
      'providerId: There is no such mailbox.',
    ]);
    for (const clientId of [await newClient(b.tenant), await newClient(a.tenant, false)]) {
      const actions = [{ kind: 'route', clientId }];
      expect(fields(await call('POST', URL, { body: body({ actions }) }))[0]).toMatch(
        /^actions\.0\.clientId/,
      );
    }
  });

  test('when there are too many, or their expressions together are too large', async () => {
    const costly = { any: Array(50).fill({ ...when, operator: 'matches', value: '(?:a?){50}a{50}' }) };
    const small = await add();
    await add({ when: costly });
    await add({ when: costly });
    const before = await version();
    // The first would have its room, and the last none.
    expect((await call('PUT', `${URL}/${small}`, { body: body({ when: costly }) })).status).toBe(400);
    expect(fields(await call('POST', URL, { body: body({ when: costly }) }))[0]).toMatch(
      /^when: All expressions/,
    );
    expect(await version()).toBe(before);
    const third = await add({ when: costly, isEnabled: false });
    expect((await call('POST', `${URL}/${third}/enable`)).status).toBe(400);
    await owner.query(
      `INSERT INTO email_rules (tenant, id, position, name, conditions, actions)
       SELECT tenant, gen_random_uuid(), 3 + n, name, '{"field":"size","operator":"above","value":1}', actions
         FROM email_rules, generate_series(1, 196) n WHERE id = $1`,
      [third],
    );
    expect(fields(await call('POST', URL, { body: body() }))[0]).toMatch(
      /^name: There are 200 rules already/,
    );
  });
});

test('reading and writing need their rights, and trying needs the right to see messages and tickets', async () => {
  const reader = await token(a.tenant, ['providers:read', 'messages:read']);
  const id = await add();
  expect((await call('GET', URL, { token: reader })).status).toBe(200);
  for (const [method, path] of [
    ['POST', ''],
    ['PUT', `/${id}`],
    ['PUT', '/order'],
    ['DELETE', `/${id}`],
    ['POST', `/${id}/disable`],
  ] as const)
    expect((await call(method, `${URL}${path}`, { token: reader, body: body() })).status).toBe(403);
  expect((await call('POST', `${URL}/test`, { token: reader, body: {} })).status).toBe(403);
});

describe('a trial', () => {
  const items = (answer: Answer): readonly Record<string, unknown>[] =>
    answer.json.items as unknown as Record<string, unknown>[];
  const head = [
    'From: Ann <ann@x.example>',
    'To: "support@fake.example" <help@acme.example>,',
    ' sales@acme.example',
    'X-Spam-Flag: YES',
    '',
    'X-In-Body: no',
  ].join('\r\n');

  /** A message with its original, as worker and daemon leave it; what is in `ticket` makes it one that came into a ticket. */
  async function message(
    provider: string,
    row: { readonly subject: string; readonly at: number; readonly raw?: string },
    outcome: 'ticket' | 'comment' | 'skipped' | null,
    automatedKind: string | null = null,
  ): Promise<string> {
    const storageKey = `${a.tenant}/raw/ab/${randomUUID().replaceAll('-', '').padEnd(64, '0')}.eml`;
    if (row.raw !== '') await storage.put(storageKey, Buffer.from(row.raw ?? head));
    const eventId = await insertMessage(owner, a.tenant, provider, {
      ...{ storageKey, subject: row.subject, sender: 'ann@x.example', status: 'processed' },
      receivedAt: new Date(Date.UTC(2026, 0, 1) + row.at * 60_000).toISOString(),
    });
    if (outcome === null) return eventId;
    if (outcome === 'skipped')
      await owner.query(
        `UPDATE inbound_messages SET status = 'skipped', processed_at = now() WHERE event_id = $1`,
        [eventId],
      );
    await owner.query(
      `INSERT INTO email_processed_messages (tenant, event_id, provider_id, outcome) VALUES ($1, $2, $3, $4)`,
      [a.tenant, eventId, provider, outcome],
    );
    if (outcome === 'skipped') return eventId;
    const ticket = await insertTicket(owner, a.tenant);
    await owner.query(
      `UPDATE ticket_comments SET event_id = $2, author_name = 'Ann', body_text = 'Please pay.', automated_kind = $3 WHERE ticket_id = $1`,
      [ticket, eventId, automatedKind],
    );
    return eventId;
  }

  beforeEach(async () => {
    await owner.query('DELETE FROM inbound_messages');
  });

  test('of a rule that is not saved says what would have happened to each message, newest first, and changes nothing', async () => {
    const provider = await newMailbox();
    const [other, opened, answered, away] = [
      await message(provider, { subject: 'Hello', at: 1 }, 'ticket'),
      await message(provider, { subject: 'Invoice 1', at: 2 }, 'ticket'),
      await message(provider, { subject: 'Re: Invoice 1', at: 3 }, 'comment'),
      await message(provider, { subject: 'Away: Invoice 1', at: 4 }, 'comment', 'autoReply'),
    ];
    const rows = async (): Promise<unknown> =>
      (
        await owner.query(
          'SELECT (SELECT count(*) FROM email_rules) + (SELECT count(*) FROM email_rule_counts) AS n',
        )
      ).rows;
    const before = await rows();
    const answer = await call('POST', `${URL}/test`, {
      body: { rule: body({ actions: [{ kind: 'skip' }], isEnabled: false, isDryRun: true }) },
    });
    expect(answer.json).toMatchObject({
      isComplete: true,
      counts: { tried: 4, matched: 3, skipped: 2, unknown: 0 },
    });
    expect(items(answer)).toMatchObject([
      { eventId: away, outcome: 'skipped' },
      { eventId: answered, outcome: 'kept', effect: { skip: false } },
      {
        ...{ eventId: opened, outcome: 'skipped', effect: { skip: true } },
        text: 'It would be left out: recorded, and no ticket.',
        matches: [{ id: null, name: 'Invoices', isDryRun: false, because: [] }],
      },
      { eventId: other, outcome: 'none', matches: [] },
    ]);
    expect(await rows()).toEqual(before);
  });

  test.each<readonly [what: string, condition: unknown]>([
    ['sender', { field: 'from', operator: 'ends', value: '@x.example' }],
    ['name', { field: 'fromName', operator: 'equals', value: 'ann' }],
    ['recipient', { field: 'to', operator: 'equals', value: 'sales@acme.example' }],
    ['header', { field: 'header', name: 'x-spam-flag', operator: 'equals', value: 'yes' }],
    ['body', { field: 'body', operator: 'contains', value: 'pay' }],
    ['size', { field: 'size', operator: 'below', value: 101 }],
    ['attachment', { field: 'attachmentName', operator: 'ends', value: '.jpg' }],
    ['kind of attachment', { field: 'attachmentType', operator: 'equals', value: 'image/jpeg' }],
    ['number of attachments', { field: 'attachmentCount', operator: 'equals', value: 1 }],
    [
      'what is not there',
      {
        all: [
          { not: { field: 'to', operator: 'contains', value: 'fake.example' } },
          { not: { field: 'header', name: 'X-In-Body', operator: 'contains', value: 'no' } },
        ],
      },
    ],
  ])('finds a message by its %s', async (_, condition) => {
    const eventId = await message(await newMailbox(), { subject: 's', at: 1 }, 'ticket');
    const answer = await call('POST', `${URL}/test`, { body: { rule: body({ when: condition }) } });
    expect(items(answer)).toMatchObject([{ eventId, outcome: 'changed', effect: { tags: ['money'] } }]);
  });

  test('says so where what a rule asks for is not kept', async () => {
    const provider = await newMailbox();
    await message(provider, { subject: 'no original', at: 3, raw: '' }, 'ticket');
    await message(provider, { subject: 'skipped', at: 2 }, 'skipped');
    await message(provider, { subject: 'not processed', at: 1 }, null);
    // Left out by the daemon: no rule was ever asked.
    await insertMessage(owner, a.tenant, provider, { status: 'skipped', reason: 'before_baseline' });
    const by = async (condition: unknown): Promise<readonly unknown[]> =>
      items(await call('POST', `${URL}/test`, { body: { rule: body({ when: condition }) } })).map(
        ({ outcome, unknownFields }) => `${String(outcome)} ${String(unknownFields)}`,
      );
    expect(await by({ field: 'body', operator: 'contains', value: 'pay' })).toEqual([
      ...['changed ', 'unknown body', 'unknown body'],
    ]);
    expect(await by({ field: 'header', name: 'X-Spam-Flag', operator: 'equals', value: 'yes' })).toEqual([
      ...['unknown header', 'changed ', 'changed '],
    ]);
  });

  test('is certain of what one rule skips, whatever others would say that cannot be tried', async () => {
    const provider = await newMailbox();
    await message(provider, { subject: 'Invoice', at: 1 }, 'skipped');
    await message(provider, { subject: 'Hello', at: 2 }, 'skipped');
    const asksBody = { when: { field: 'body', operator: 'contains', value: 'x' } };
    const first = await add({ ...asksBody, name: 'body' });
    await add({ name: 'skips', actions: [{ kind: 'skip' }] });
    const outcomes = async (): Promise<readonly unknown[]> =>
      items(await call('POST', `${URL}/test`, { body: {} })).map(({ outcome, unknownFields, matches }) => [
        ...[outcome, unknownFields],
        (matches as { name: string }[]).map(({ name }) => name),
      ]);
    const unknown = ['unknown', ['body'], []];
    expect(await outcomes()).toEqual([unknown, ['skipped', ['body'], ['skips']]]);
    await call('PUT', `${URL}/${first}`, { body: body({ ...asksBody, name: 'body', stopsOnMatch: true }) });
    expect(await outcomes()).toEqual([unknown, ['unknown', ['body'], ['skips']]]);
  });

  test('of the saved rules goes by their order, switches and mailboxes', async () => {
    const [here, elsewhere] = [await newMailbox(), await newMailbox()];
    const client = await newClient(a.tenant);
    const eventId = await message(here, { subject: 'Invoice', at: 1 }, 'ticket');
    await message(elsewhere, { subject: 'Invoice', at: 2 }, 'ticket');
    await add({ name: 'off', isEnabled: false, actions: [{ kind: 'skip' }] });
    await add({ name: 'dry', isDryRun: true, actions: [{ kind: 'skip' }] });
    const route = { kind: 'route', queue: 'billing', clientId: client };
    const actions = [route, { kind: 'priority', priority: 'high' }];
    const here1 = await add({ name: 'here', providerId: here, stopsOnMatch: true, actions });
    await add({ name: 'late', actions: [{ kind: 'skip' }], providerId: here });
    const answer = await call('POST', `${URL}/test`, { body: {} });
    expect(items(answer)).toMatchObject([
      { outcome: 'counted', matches: [{ name: 'dry', isDryRun: true }] },
      {
        ...{ eventId, outcome: 'changed', matches: [{ name: 'dry' }, { id: here1, name: 'here' }] },
        effect: { skip: false, queue: 'billing', clientId: client, priority: 'high', tags: [] },
      },
    ]);
    expect(items(await call('POST', `${URL}/test`, { body: { providerId: here } }))).toHaveLength(1);
    expect(items(await call('POST', `${URL}/test`, { body: { limit: 1 } }))).toHaveLength(1);
    const alone = await call('POST', `${URL}/test`, { body: { ruleId: here1 } });
    expect(items(alone).map(({ outcome }) => outcome)).toEqual(['none', 'changed']);
  });

  test('of expressions that take long ends in time, and says that it did', async () => {
    const provider = await newMailbox();
    for (let at = 0; at < 15; at += 1) await message(provider, { subject: 'x', at }, 'ticket');
    await owner.query(
      `UPDATE ticket_comments SET body_text = repeat('a', 65000) WHERE event_id IN (SELECT event_id FROM inbound_messages)`,
    );
    const hostile = {
      any: Array(50).fill({ field: 'body', operator: 'matches', value: '(?:a?){50}a{50}!' }),
    };
    const answer = await call('POST', `${URL}/test`, { body: { rule: body({ when: hostile }) } });
    expect(answer.json).toMatchObject({ isComplete: false });
    expect(items(answer).length).toBeGreaterThan(0);
    expect(items(answer).length).toBeLessThanOrEqual(10);
  });

  test('is made so often in a minute and no more, by each tenant', async () => {
    const small = await rebuild({ limits: { loginsPerMinute: 1, testsPerMinute: 1 } });
    const attempt = async (bearer: string): Promise<number> => {
      const headers = { authorization: `Bearer ${bearer}` };
      const options = { method: 'POST', url: `${URL}/test`, headers, payload: { rule: body() } } as const;
      return (await small.inject(options)).statusCode;
    };
    const statuses = [];
    for (let at = 0; at < 7; at += 1) statuses.push(await attempt(a.token));
    expect(statuses).toEqual([...Array<number>(6).fill(200), 429]);
    expect(await attempt(b.token)).toBe(200);
  });

  test('sees no message and no rule of another tenant, and is bounded', async () => {
    await message(await newMailbox(), { subject: 'Invoice', at: 1 }, 'ticket');
    const id = await add();
    const theirs = { token: b.token };
    expect(items(await call('POST', `${URL}/test`, { ...theirs, body: { rule: body() } }))).toEqual([]);
    expect((await call('POST', `${URL}/test`, { ...theirs, body: { ruleId: id } })).status).toBe(404);
    expect((await call('POST', `${URL}/test`, { body: { limit: 201 } })).status).toBe(400);
    expect(fields(await call('POST', `${URL}/test`, { body: { rule: body(), ruleId: id } }))[0]).toMatch(
      /^ruleId/,
    );
  });
});
