/** Sending over the API: settings that keep their password, tests that tell what is wrong, and answers that are sent once. */
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, describe, expect, test } from 'vitest';
import { providerId } from '@mailstream/shared/domain/ids';
import { useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertTicket } from './rows.ts';

const { call, owner, secrets, a, b } = await useServer();

const PASSWORD = 'canary-smtp-password';
const smtp = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  logger: false,
  onAuth: ({ username, password }, _session, callback) =>
    username === 'jane' && password === PASSWORD
      ? callback(null, { user: username })
      : callback(Object.assign(new Error('5.7.8 wrong'), { responseCode: 535 })),
});
smtp.on('error', () => undefined);
smtp.listen(0, '127.0.0.1');
await once(smtp.server, 'listening');
const { port } = smtp.server.address() as AddressInfo;
afterAll(() => new Promise<void>((resolve) => smtp.close(resolve)));

const settings = (change: object = {}): object => ({
  host: '127.0.0.1',
  port,
  secure: false,
  allowStarttls: false,
  username: 'jane',
  password: PASSWORD,
  ...change,
});

async function newMailbox(): Promise<{ readonly id: string; readonly path: string }> {
  const id =
    (
      await call('POST', '/api/email/providers', {
        body: providerBody({}, { mailbox: `${randomUUID()}@example.com` }),
      })
    ).json.id ?? '';
  return { id, path: `/api/email/providers/${id}/smtp` };
}

const stored = async (id: string): Promise<string | null> =>
  (await secrets.read({ tenant: a.tenant, providerId: providerId(id), name: 'smtp_password' }))?.reveal() ??
  null;

describe('the settings', () => {
  test('are kept, and their password is never shown again', async () => {
    const { id, path } = await newMailbox();
    expect((await call('GET', path)).status).toBe(404);
    const set = await call('PUT', path, { body: settings({ fromName: 'Support', acknowledge: true }) });
    expect(set).toMatchObject({
      status: 200,
      json: {
        host: '127.0.0.1',
        username: 'jane',
        hasPassword: true,
        fromName: 'Support',
        acknowledge: true,
      },
    });
    expect(set.text + (await call('GET', path)).text).not.toContain(PASSWORD);
    expect(await stored(id)).toBe(PASSWORD);
    const { rows } = await owner.query<{ lines: string }>(
      `SELECT string_agg(t::text, ' ') AS lines FROM audit_log t WHERE action = 'smtp.set' AND subject_id = $1`,
      [id],
    );
    expect(rows[0]?.lines).toContain('127.0.0.1');
    expect(rows[0]?.lines).not.toContain(PASSWORD);
  });

  test.each([
    ['another host', { host: '127.0.0.2' }],
    ['another port', { port: port + 1 }],
    ['another user', { username: 'joe' }],
    ['another way of login', { authType: 'none', username: null }],
    ['LMTP', { protocol: 'lmtp' }],
  ])('with %s lose the password that was entered for the old ones', async (_what, change) => {
    const { id, path } = await newMailbox();
    await call('PUT', path, { body: settings() });
    const { password: _entered, ...same } = settings() as { password: string };
    expect((await call('PUT', path, { body: { ...same, fromName: 'x' } })).json.hasPassword).toBe(true);
    const changed = await call('PUT', path, { body: { ...same, ...change } });
    expect(changed).toMatchObject({ status: 200, json: { hasPassword: false } });
    expect(await stored(id)).toBeNull();
  });

  test.each([
    ['an address inside', { host: '10.1.2.3', secure: true, port: 465 }, 'EGRESS_FORBIDDEN'],
    ['the metadata service', { host: '169.254.169.254', secure: true, port: 465 }, 'EGRESS_FORBIDDEN'],
    ['a sender that ends the line', { fromEmail: 'a@b.example>\r\nRCPT TO:<x@y>' }, 'VALIDATION_FAILED'],
    ['no user', { username: null }, 'VALIDATION_FAILED'],
    ['OAuth where the mailbox has none', { authType: 'oauth2', password: undefined }, 'VALIDATION_FAILED'],
  ])('are refused with %s', async (_what, change, code) => {
    const { path } = await newMailbox();
    const answer = await call('PUT', path, { body: settings(change) });
    expect(answer.json).toMatchObject({ error: { code } });
    expect(answer.text).not.toContain(PASSWORD);
  });

  test('go with the password when they are removed', async () => {
    const { id, path } = await newMailbox();
    await call('PUT', path, { body: settings() });
    expect((await call('DELETE', path)).status).toBe(204);
    expect(await stored(id)).toBeNull();
    expect((await call('GET', path)).status).toBe(404);
  });
});

describe('a test', () => {
  const outcomes = (answer: Awaited<ReturnType<typeof call>>): readonly string[] =>
    (answer.json.steps as unknown as { name: string; outcome: string; code: string | null }[]).map(
      ({ name, outcome, code }) => `${name} ${outcome}${code === null ? '' : ` ${code}`}`,
    );

  test('tells each step up to the first that fails, and saves nothing', async () => {
    const { path } = await newMailbox();
    const good = await call('POST', `${path}/test`, { body: settings() });
    expect(outcomes(good)).toEqual(['dns ok', 'tcp ok', 'tls ok', 'login ok']);
    const wrong = await call('POST', `${path}/test`, { body: settings({ password: 'wrong' }) });
    expect(outcomes(wrong)).toEqual(['dns ok', 'tcp ok', 'tls ok', 'login failed SMTP_AUTH_REJECTED']);
    const bare = await call('POST', `${path}/test`, { body: settings({ allowStarttls: true }) });
    expect(outcomes(bare)).toEqual(['dns ok', 'tcp ok', 'tls failed TLS_REQUIRED', 'login skipped']);
    expect((await call('GET', path)).status).toBe(404);
    expect(good.text + wrong.text + bare.text).not.toContain(PASSWORD);
  });

  test('uses the stored password only for the server that it was entered for', async () => {
    const { path } = await newMailbox();
    await call('PUT', path, { body: settings() });
    const { password: _entered, ...same } = settings() as { password: string };
    expect((await call('POST', `${path}/test`, { body: same })).json.ok).toBe(true);
    const elsewhere = await call('POST', `${path}/test`, { body: { ...same, host: '127.0.0.2' } });
    expect(elsewhere.json.ok).toBe(false);
  });
});

/** A ticket of a mailbox that can send. */
async function answerable(): Promise<string> {
  const { id, path } = await newMailbox();
  await call('PUT', path, { body: settings() });
  const ticket = await insertTicket(owner, a.tenant, { subject: 'Printer' });
  await owner.query('UPDATE tickets SET provider_id = $2 WHERE id = $1', [ticket, id]);
  await owner.query(
    `INSERT INTO ticket_participants (tenant, ticket_id, email, source) VALUES ($1, $2, 'kunde@example.org', 'requester')`,
    [a.tenant, ticket],
  );
  await owner.query(`UPDATE ticket_comments SET message_id = '<first@example.org>' WHERE ticket_id = $1`, [
    ticket,
  ]);
  return ticket;
}

describe('an answer', () => {
  test('is a comment and a mail to the requester, once for each key', async () => {
    const ticket = await answerable();
    const body = { html: '<p>Try <b>again</b><script>alert(1)</script><img src=x onerror=alert(1)></p>' };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        call('POST', `/api/tickets/${ticket}/replies`, { body, headers: { 'idempotency-key': 'one' } }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted((x, y) => x - y)).toEqual([200, 200, 200, 201]);
    expect(new Set(answers.map(({ json }) => json.commentId)).size).toBe(1);
    const mails = (await call('GET', `/api/outbound?ticketId=${ticket}`)).json.items as unknown as object[];
    expect(mails).toMatchObject([
      { to: 'kunde@example.org', state: 'queued', kind: 'agent_reply', priority: 'high' },
    ]);
    const { rows } = await owner.query<Record<string, unknown>>(
      'SELECT * FROM outbound_messages WHERE ticket_id = $1',
      [ticket],
    );
    expect(rows[0]).toMatchObject({
      body_html: '<p>Try <b>again</b></p>',
      body_text: 'Try again',
      in_reply_to: '<first@example.org>',
      subject: expect.stringMatching(/^Re: Printer \[#\d+\]$/) as string,
    });
    const { comments } = (await call('GET', `/api/tickets/${ticket}`)).json as unknown as {
      comments: object[];
    };
    expect(comments.at(-1)).toMatchObject({ authorKind: 'agent', bodyText: 'Try again' });
    const other = await call('POST', `/api/tickets/${ticket}/replies`, {
      body: { text: 'something else' },
      headers: { 'idempotency-key': 'one' },
    });
    expect(other.status).toBe(409);
  });

  test('that is a note is kept and not sent', async () => {
    const ticket = await answerable();
    const note = await call('POST', `/api/tickets/${ticket}/replies`, {
      body: { text: 'hm', isInternal: true },
    });
    expect(note).toMatchObject({ status: 201, json: { mail: null } });
    expect((await call('GET', `/api/outbound?ticketId=${ticket}`)).json.items).toEqual([]);
  });

  test('takes along files of its own ticket only', async () => {
    const [ticket, other] = [await answerable(), await answerable()];
    const file = async (of: string): Promise<string> =>
      (await owner.query<{ id: string }>('SELECT id FROM ticket_attachments WHERE ticket_id = $1', [of]))
        .rows[0]?.id ?? '';
    const path = `/api/tickets/${ticket}/replies`;
    expect(
      (await call('POST', path, { body: { text: 'x', attachmentIds: [await file(other)] } })).status,
    ).toBe(400);
    expect(
      (await call('POST', path, { body: { text: 'x', attachmentIds: [await file(ticket)] } })).status,
    ).toBe(201);
    const { rows } = await owner.query<{ attachments: object[] }>(
      'SELECT attachments FROM outbound_messages WHERE ticket_id = $1',
      [ticket],
    );
    expect(rows[0]?.attachments).toHaveLength(1);
  });

  test('goes to nobody who is in doubt, no participant or one of our mailboxes, and from no mailbox that cannot send', async () => {
    const reply = async (ticket: string): Promise<number> =>
      (await call('POST', `/api/tickets/${ticket}/replies`, { body: { text: 'x' } })).status;
    const doubtful = await answerable();
    await owner.query(
      `INSERT INTO ticket_attention (tenant, ticket_id, reason) VALUES ($1, $2, 'sender_unverified')`,
      [a.tenant, doubtful],
    );
    expect(await reply(doubtful)).toBe(409);
    const stranger = await answerable();
    await owner.query('DELETE FROM ticket_participants WHERE ticket_id = $1', [stranger]);
    expect(await reply(stranger)).toBe(422);
    const mute = await answerable();
    await owner.query(
      'DELETE FROM smtp_settings WHERE provider_id = (SELECT provider_id FROM tickets WHERE id = $1)',
      [mute],
    );
    expect(await reply(mute)).toBe(422);
    expect(
      (await call('POST', `/api/tickets/${mute}/replies`, { body: { text: 'x' }, token: b.token })).status,
    ).toBe(404);
    const { rows } = await owner.query('SELECT FROM outbound_messages WHERE ticket_id = ANY($1)', [
      [doubtful, stranger, mute],
    ]);
    expect(rows).toEqual([]);
  });

  test('that failed is queued again when somebody asks, and one that was sent is not', async () => {
    const ticket = await answerable();
    const { json } = await call('POST', `/api/tickets/${ticket}/replies`, { body: { text: 'x' } });
    const id = (json.mail as unknown as { id: string }).id;
    await owner.query(
      `UPDATE outbound_messages SET state = 'failed', attempts = 9, relayed_at = now() WHERE id = $1`,
      [id],
    );
    expect(await call('POST', `/api/outbound/${id}/retry`)).toMatchObject({
      status: 200,
      json: { state: 'queued', attempts: 0 },
    });
    await owner.query(`UPDATE outbound_messages SET state = 'sent' WHERE id = $1`, [id]);
    expect((await call('POST', `/api/outbound/${id}/retry`)).status).toBe(409);
  });
});
