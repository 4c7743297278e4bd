import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertMessage, insertTicket } from './rows.ts';

const { call, owner, a, b } = await useServer();
const provider = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';

interface Listed {
  readonly items: readonly {
    readonly eventId: string;
    readonly id: string;
    readonly subject: string | null;
  }[];
  readonly nextCursor?: string;
}

async function pages(path: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const answer = await call('GET', `${path}limit=3${cursor}`);
    expect(answer.status).toBe(200);
    const page = answer.json as unknown as Listed;
    ids.push(...page.items.map((item) => item.eventId ?? item.id));
    cursor = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return ids;
}

test('messages of the same microsecond and of neighbouring ones are paged through newest first, each once', async () => {
  const times = [0, 1, 1, 1, 1, 2, 3, 3].map((micros) => `2026-01-01T00:00:00.00000${micros}Z`);
  for (const receivedAt of times) await insertMessage(owner, a.tenant, provider, { receivedAt });
  const { rows } = await owner.query<{ event_id: string }>(
    'SELECT event_id FROM inbound_messages WHERE tenant = $1 ORDER BY received_at DESC, event_id DESC',
    [a.tenant],
  );
  expect(await pages('/api/email/messages?')).toEqual(rows.map((row) => row.event_id));
});

test('messages are found by Message-ID, sender, subject, state and mailbox; wildcards are letters', async () => {
  const wanted = await insertMessage(owner, a.tenant, provider, {
    messageId: '<CAFE@mail.example.com>',
    sender: 'Anna.Schmidt@example.org',
    subject: 'Offer: 100% off_today',
    status: 'skipped',
    reason: 'loop',
  });
  const find = async (query: string): Promise<string[]> => {
    const answer = await call('GET', `/api/email/messages?${query}`);
    return (answer.json as unknown as Listed).items.map(({ eventId }) => eventId);
  };
  for (const query of [
    `messageId=${encodeURIComponent('<CAFE@mail.example.com>')}`,
    `messageId=${encodeURIComponent('CAFE@mail.example.com')}`,
    'sender=schmidt',
    `subject=${encodeURIComponent('100% off_')}`,
    'status=skipped',
    `providerId=${provider}&sender=anna`,
  ])
    expect.soft(await find(query), query).toEqual([wanted]);
  expect(await find(`subject=${encodeURIComponent('100%today')}`)).toEqual([]);
  expect(await find(`subject=${encodeURIComponent('off.today')}`)).toEqual([]);
  expect(await find(`providerId=${randomUUID()}`)).toEqual([]);
});

test('one message says where it is, and what the worker made of it', async () => {
  const ticket = await insertTicket(owner, a.tenant);
  const eventId = await insertMessage(owner, a.tenant, provider, { status: 'processed' });
  await owner.query(
    `INSERT INTO email_processed_messages (tenant, event_id, provider_id, outcome, ticket_id) VALUES ($1, $2, $3, 'ticket', $4)`,
    [a.tenant, eventId, provider, ticket],
  );
  const answer = await call('GET', `/api/email/messages/${eventId}`);
  expect(answer.json).toMatchObject({
    eventId,
    providerName: 'Support',
    status: 'processed',
    statusText: 'Done: the worker has processed it.',
    result: { outcome: 'ticket', ticketId: ticket },
  });
});

test('a message that a rule left out says which one, and which others matched', async () => {
  const reason = 'rule "Newsletters"';
  const eventId = await insertMessage(owner, a.tenant, provider, { status: 'skipped', reason });
  const rules = [
    { id: randomUUID(), name: 'On trial', isDryRun: true },
    { id: randomUUID(), name: 'Newsletters', isDryRun: false },
  ];
  await owner.query(
    `INSERT INTO email_processed_messages (tenant, event_id, provider_id, outcome, reason, rules) VALUES ($1, $2, $3, 'skipped', $4, $5)`,
    [a.tenant, eventId, provider, reason, JSON.stringify(rules)],
  );
  const answer = await call('GET', `/api/email/messages/${eventId}`);
  expect(answer.json).toMatchObject({
    status: 'skipped',
    statusText: 'Left out on purpose: rule "Newsletters".',
    result: { outcome: 'skipped', ticketId: null, rules },
  });
});

test('dead letters are listed with a reason that a person understands', async () => {
  const eventId = await insertMessage(owner, a.tenant, provider, {
    status: 'dead_letter',
    reason: 'PARSER_KILLED',
  });
  const answer = await call('GET', '/api/email/dead-letters');
  expect(answer.json.items).toMatchObject([
    {
      eventId,
      hasRaw: false,
      statusText:
        'Could not be processed: A message could not be read within its limits of time and memory. Its original is kept.',
    },
  ]);
  expect((await call('GET', `/api/email/dead-letters/${eventId}/raw`)).status).toBe(404);
});

test('tickets are paged newest first and show their thread, without any HTML', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 7; i += 1)
    ids.unshift(
      await insertTicket(owner, a.tenant, {
        subject: `Thread ${i}`,
        createdAt: `2030-01-01T00:00:00.${String(i).padStart(6, '0')}Z`,
        comments: 2,
      }),
    );
  expect((await pages('/api/tickets?search=thread&')).slice(0, 7)).toEqual(ids);
  const answer = await call('GET', `/api/tickets/${ids[0] ?? ''}`);
  expect(answer.json).toMatchObject({
    subject: 'Thread 6',
    requester: { email: 'kunde@example.org', name: 'Kunde' },
    commentCount: 2,
    comments: [
      { bodyText: 'Comment 0', hasHtml: true, attachments: [{ name: 'photo.jpg', size: 2048 }] },
      { bodyText: 'Comment 1' },
    ],
  });
  expect(answer.text).not.toContain('<p>');
});

test('the operator sees instances and counts of all tenants, but mailboxes of the own alone', async () => {
  const other =
    (await call('POST', '/api/email/providers', { body: providerBody(), token: b.token })).json.id ?? '';
  const instance = randomUUID();
  await owner.query(
    `INSERT INTO service_instances (instance_id, service, host, version, state) VALUES ($1, 'email-service', 'h', '1', 'running')`,
    [instance],
  );
  await owner.query(
    `UPDATE imap_email_provider_config SET lease_owner = $1, lease_expires_at = now() + interval '1 minute', lease_epoch = 1`,
    [instance],
  );
  const answer = await call('GET', '/api/imap/status');
  expect(answer.json).toMatchObject({
    instances: [{ instanceId: instance, leases: 2 }],
    totals: { providers: 2, active: 2, leased: 2 },
    providers: [
      { id: provider, lease: { owner: instance }, folders: [{ name: 'INBOX' }, { name: 'Support/Kunden' }] },
    ],
  });
  expect(answer.text).not.toContain(other);
});

test('the operator can make one mailbox or all look now, or connect anew', async () => {
  const versions = async (): Promise<unknown> =>
    (
      await owner.query(
        'SELECT poke_version, config_version FROM imap_email_provider_config WHERE email_provider_id = $1',
        [provider],
      )
    ).rows[0];
  expect((await call('POST', '/api/imap/force-poll')).json).toEqual({ providers: 1 });
  expect((await call('POST', '/api/imap/force-poll', { body: { providerId: provider } })).json).toEqual({
    providers: 1,
  });
  expect((await call('POST', '/api/imap/restart', { body: {} })).json).toEqual({ providers: 1 });
  expect(await versions()).toEqual({ poke_version: '2', config_version: '2' });
  await call('POST', `/api/email/providers/${provider}/pause`);
  expect((await call('POST', '/api/imap/restart')).json).toEqual({ providers: 0 });
});
