/** What agents do with tickets: find those that need somebody, open files, close, merge, and say what new ones get. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ErrorBody } from '../src/contracts/errors.ts';
import { useServer } from './harness.ts';
import { providerBody } from './provider-bodies.ts';
import { insertTicket } from './rows.ts';

const { call, owner, storage, a, b, token } = await useServer();

const numberOf = async (id: string): Promise<number> =>
  Number(
    (await owner.query<{ number: string }>('SELECT number FROM tickets WHERE id = $1', [id])).rows[0]?.number,
  );

async function flag(ticket: string, reason: string): Promise<void> {
  await owner.query(`INSERT INTO ticket_attention (tenant, ticket_id, reason) VALUES ($1, $2, $3)`, [
    a.tenant,
    ticket,
    reason,
  ]);
  await owner.query(`UPDATE tickets SET status = 'needs_attention' WHERE id = $1`, [ticket]);
}

const ids = (answer: Awaited<ReturnType<typeof call>>): readonly string[] =>
  (answer.json.items as unknown as { id: string }[]).map(({ id }) => id);

describe('the list', () => {
  test('shows what needs attention and why, until somebody has dealt with it', async () => {
    const flagged = await insertTicket(owner, a.tenant, { subject: 'Flagged' });
    const calm = await insertTicket(owner, a.tenant, { subject: 'Calm' });
    await flag(flagged, 'possible_reply');
    await flag(flagged, 'sender_unverified');
    const listed = await call('GET', '/api/tickets?needsAttention=true');
    expect(ids(listed)).toEqual([flagged]);
    expect(listed.json.items).toMatchObject([
      {
        status: 'needs_attention',
        attention: [
          { reason: 'possible_reply', text: expect.stringContaining('another ticket') as string },
          { reason: 'sender_unverified' },
        ],
      },
    ]);
    expect(ids(await call('GET', '/api/tickets?status=needs_attention'))).toEqual([flagged]);
    expect(ids(await call('GET', '/api/tickets?needsAttention=false'))).toEqual([calm]);
    const resolved = await call('POST', `/api/tickets/${flagged}/resolve-attention`);
    expect(resolved.json).toMatchObject({ status: 'open', attention: [] });
    expect(ids(await call('GET', '/api/tickets?needsAttention=true'))).toEqual([]);
  });

  test('is searched by subject, requester and number; wildcards are letters', async () => {
    const wanted = await insertTicket(owner, a.tenant, { subject: '50% of_all' });
    await insertTicket(owner, a.tenant, { subject: '50 of all' });
    expect(ids(await call('GET', `/api/tickets?q=${encodeURIComponent('50% of_')}`))).toEqual([wanted]);
    const number = await numberOf(wanted);
    expect(ids(await call('GET', `/api/tickets?q=${encodeURIComponent(`#${number}`)}`))).toContain(wanted);
    expect((await call('GET', '/api/tickets?q=99999999999999999999999')).json.items).toEqual([]);
  });
});

describe('a comment', () => {
  test('is shown without what it quotes, which is there as well, and with who is behind it', async () => {
    const ticket = await insertTicket(owner, a.tenant);
    await owner.query(
      `UPDATE ticket_comments SET body_text = 'new\n> old', reply_text = 'new', quoted_text = '> old', author_kind = 'unknown',
              sender_check = 'failed', matched_by = 'token' WHERE ticket_id = $1`,
      [ticket],
    );
    const answer = await call('GET', `/api/tickets/${ticket}`);
    expect(answer.json.comments).toMatchObject([
      {
        bodyText: 'new',
        quotedText: '> old',
        fullText: 'new\n> old',
        authorKind: 'unknown',
        senderCheck: 'failed',
        matchedBy: 'token',
      },
    ]);
  });
});

describe('the HTML of a comment', () => {
  test('shows its own images by their addresses, and no other’s', async () => {
    const [ticket, other] = [await insertTicket(owner, a.tenant), await insertTicket(owner, a.tenant)];
    const { rows } = await owner.query<{ id: string; comment: string; ticket: string }>(
      'SELECT id, comment_id AS comment, ticket_id AS ticket FROM ticket_attachments WHERE ticket_id = ANY($1) ORDER BY ticket_id = $2 DESC',
      [[ticket, other], ticket],
    );
    const [own, foreign] = rows;
    await owner.query('UPDATE ticket_comments SET body_html = $2, reply_html = $3 WHERE id = $1', [
      own?.comment,
      `<img src="attachment:${own?.id}"><img src='attachment:${foreign?.id}'><b>attachment: x</b>`,
      `<img src=attachment:${own?.id}>`,
    ]);
    const path = `/api/tickets/${ticket}/comments/${own?.comment}/html`;
    const answer = await call('GET', path);
    const address = `/api/tickets/${ticket}/attachments/${own?.id}`;
    expect(answer.json).toEqual({
      html: `<img src="${address}"><img src='attachment:${foreign?.id}'><b>attachment: x</b>`,
      replyHtml: `<img src=${address}>`,
    });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect((await call('GET', path, { token: b.token })).status).toBe(404);
    expect((await call('GET', path.replace(ticket, other))).status).toBe(404);
  });
});

describe('an attachment', () => {
  test('is handed out as a file that no browser runs, under a name that does no harm', async () => {
    const ticket = await insertTicket(owner, a.tenant);
    const other = await insertTicket(owner, a.tenant);
    const key = `${a.tenant}/attachments/ab/${'ab'.repeat(32)}`;
    await storage.put(key, Buffer.from('<script>alert(1)</script>'));
    await owner.query(
      `UPDATE ticket_attachments SET storage_key = $2, content_type = 'text/html', name = $3 WHERE ticket_id = $1`,
      [ticket, key, '../\r\nX-Evil: 1\u202e"Ä.html'],
    );
    const { rows } = await owner.query<{ id: string }>(
      'SELECT id FROM ticket_attachments WHERE ticket_id = $1',
      [ticket],
    );
    const id = rows[0]?.id ?? '';
    const answer = await call('GET', `/api/tickets/${ticket}/attachments/${id}`);
    expect(answer).toMatchObject({ status: 200, text: '<script>alert(1)</script>' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(answer.headers['content-disposition']).toMatch(
      /^attachment; filename="[ -~]+"; filename\*=UTF-8''/,
    );
    expect(answer.headers).not.toHaveProperty('x-evil');
    expect((await call('GET', `/api/tickets/${other}/attachments/${id}`)).status).toBe(404);
    const foreign = await call('GET', `/api/tickets/${ticket}/attachments/${id}`, { token: b.token });
    expect(foreign.status).toBe(404);
  });

  test('whose file is gone answers as something that is not there', async () => {
    const ticket = await insertTicket(owner, a.tenant);
    const { rows } = await owner.query<{ id: string }>(
      `UPDATE ticket_attachments SET storage_key = $2 WHERE ticket_id = $1 RETURNING id`,
      [ticket, `${a.tenant}/attachments/cd/${'cd'.repeat(32)}`],
    );
    expect(await call('GET', `/api/tickets/${ticket}/attachments/${rows[0]?.id ?? ''}`)).toMatchObject({
      status: 404,
      json: { error: { code: 'NOT_FOUND' } },
    });
  });
});

describe('an agent', () => {
  test('closes and reopens a ticket; the audit log says who and what', async () => {
    const ticket = await insertTicket(owner, a.tenant);
    await flag(ticket, 'client_unknown');
    const closed = await call('POST', `/api/tickets/${ticket}/close`);
    expect(closed.json).toMatchObject({
      status: 'closed',
      attention: [],
      closedAt: expect.any(String) as string,
    });
    expect((await call('POST', `/api/tickets/${ticket}/reopen`, { body: {} })).json).toMatchObject({
      status: 'open',
      closedAt: null,
    });
    const { rows } = await owner.query(
      `SELECT actor_type, action, before, after FROM audit_log WHERE subject_id = $1 ORDER BY at`,
      [ticket],
    );
    expect(rows).toEqual([
      {
        actor_type: 'api_token',
        action: 'ticket.close',
        before: { status: 'needs_attention' },
        after: { status: 'closed' },
      },
      {
        actor_type: 'api_token',
        action: 'ticket.reopen',
        before: { status: 'closed' },
        after: { status: 'open' },
      },
    ]);
  });

  test('needs the right for it', async () => {
    const reader = await token(a.tenant, ['tickets:read']);
    const ticket = await insertTicket(owner, a.tenant);
    for (const action of ['close', 'reopen', 'resolve-attention', 'merge'])
      expect((await call('POST', `/api/tickets/${ticket}/${action}`, { token: reader })).status).toBe(403);
  });

  test('merges a ticket into another one with all that leads to it, once', async () => {
    const source = await insertTicket(owner, a.tenant, { subject: 'Stray' });
    const before = await insertTicket(owner, a.tenant);
    const target = await insertTicket(owner, a.tenant, { subject: 'Home' });
    for (const [ticket, email] of [
      [source, 'stray@example.org'],
      [target, 'home@example.org'],
    ])
      await owner.query(
        `INSERT INTO ticket_participants (tenant, ticket_id, email, source) VALUES ($1, $2, $3, 'requester')`,
        [a.tenant, ticket, email],
      );
    for (const [ticket, id, kind] of [
      [source, 'shared', 'received'],
      [source, 'alone', 'sent'],
      [target, 'shared', 'referenced'],
    ])
      await owner.query(
        `INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind) VALUES ($1, sha256($2), $3, $4)`,
        [a.tenant, Buffer.from(id ?? ''), ticket, kind],
      );
    expect((await call('POST', `/api/tickets/${before}/merge`, { body: { into: source } })).status).toBe(200);
    await owner.query(`UPDATE tickets SET status = 'closed', closed_at = now() WHERE id = $1`, [target]);
    await flag(source, 'possible_reply');

    const answer = await call('POST', `/api/tickets/${source}/merge`, { body: { into: target } });
    expect(answer.json).toMatchObject({
      id: target,
      status: 'open',
      closedAt: null,
      commentCount: 3,
      participants: [{ email: 'home@example.org' }],
    });
    expect((await call('GET', `/api/tickets/${source}`)).json).toMatchObject({
      status: 'closed',
      mergedInto: target,
      commentCount: 0,
      attention: [],
    });
    const { rows } = await owner.query(
      `SELECT t.id, t.merged_into, (SELECT array_agg(kind ORDER BY kind) FROM ticket_message_ids i WHERE i.ticket_id = t.id) AS kinds
         FROM tickets t WHERE t.id = ANY($1) ORDER BY array_position($1, t.id)`,
      [[source, before, target]],
    );
    expect(rows).toEqual([
      { id: source, merged_into: target, kinds: null },
      { id: before, merged_into: target, kinds: null },
      { id: target, merged_into: null, kinds: ['received', 'sent'] },
    ]);
    for (const action of ['close', 'reopen', 'resolve-attention'])
      expect((await call('POST', `/api/tickets/${source}/${action}`)).status).toBe(409);
    expect((await call('POST', `/api/tickets/${source}/merge`, { body: { into: target } })).status).toBe(409);
    expect((await call('POST', `/api/tickets/${target}/merge`, { body: { into: source } })).status).toBe(400);
  });

  test('lets the senders in only when asked to, and merges into nothing unknown, foreign or the ticket itself', async () => {
    const [source, target] = [await insertTicket(owner, a.tenant), await insertTicket(owner, a.tenant)];
    const foreign = await insertTicket(owner, b.tenant);
    await owner.query(
      `INSERT INTO ticket_participants (tenant, ticket_id, email, source) VALUES ($1, $2, 'x@example.org', 'requester')`,
      [a.tenant, source],
    );
    for (const into of [source, foreign, randomUUID()])
      expect(await call('POST', `/api/tickets/${source}/merge`, { body: { into } })).toMatchObject({
        status: 400,
        json: { error: { fields: [{ field: 'into' }] } },
      });
    const answer = await call('POST', `/api/tickets/${source}/merge`, {
      body: { into: target, admitSenders: true },
    });
    expect(answer.json.participants).toEqual([{ email: 'x@example.org', source: 'agent' }]);
  });
});

describe('clients', () => {
  test('have domains of their own; a domain has one client', async () => {
    const body = { name: 'Acme', domains: ['ACME.example', 'acme.example', 'acme.test'] };
    const created = await call('POST', '/api/clients', { body });
    expect(created).toMatchObject({
      status: 201,
      json: { name: 'Acme', domains: ['acme.example', 'acme.test'], isActive: true },
    });
    const id = created.json.id ?? '';
    for (const domains of [['acme.test'], ['no domain'], ['*.example'], ['localhost']])
      expect(await call('POST', '/api/clients', { body: { name: 'Other', domains } })).toMatchObject({
        status: 400,
      });
    const replaced = { name: 'Acme Ltd', domains: ['acme.test'], isActive: false };
    expect((await call('PUT', `/api/clients/${id}`, { body: replaced })).json).toEqual({ id, ...replaced });
    expect((await call('GET', '/api/clients?search=LTD')).json.items).toEqual([{ id, ...replaced }]);
    expect((await call('GET', '/api/clients', { token: b.token })).json.items).toEqual([]);
    expect(
      (await call('POST', '/api/clients', { body: { ...body, name: 'B' }, token: b.token })).status,
    ).toBe(201);
  });

  test('are paged by name', async () => {
    const other = await token(b.tenant, ['tickets:read', 'tickets:write']);
    for (const name of ['b', 'A', 'c', 'a'])
      await call('POST', '/api/clients', { body: { name }, token: other });
    const names: unknown[] = [];
    for (let path = '/api/clients?limit=2'; path !== '';) {
      const { json } = await call('GET', path, { token: other });
      names.push(...(json.items as unknown as { name: string }[]).map(({ name }) => name.toLowerCase()));
      path = json.nextCursor === undefined ? '' : `/api/clients?limit=2&cursor=${json.nextCursor}`;
    }
    expect(names).toEqual(['a', 'a', 'b', 'b', 'c']);
  });

  test('get a ticket and its contact, which then needs no attention', async () => {
    const ticket = await insertTicket(owner, a.tenant);
    await flag(ticket, 'client_unknown');
    const contact = randomUUID();
    await owner.query(`INSERT INTO contacts (tenant, id, email) VALUES ($1, $2, 'kunde@example.org')`, [
      a.tenant,
      contact,
    ]);
    await owner.query('UPDATE tickets SET contact_id = $2 WHERE id = $1', [ticket, contact]);
    const clientId = (await call('POST', '/api/clients', { body: { name: 'Mine' } })).json.id ?? '';
    const assigned = await call('POST', `/api/tickets/${ticket}/client`, { body: { clientId } });
    expect(assigned.json).toMatchObject({
      status: 'open',
      attention: [],
      client: { id: clientId, name: 'Mine' },
    });
    expect((await owner.query('SELECT client_id FROM contacts WHERE id = $1', [contact])).rows).toEqual([
      { client_id: clientId },
    ]);
    const unknown = { body: { clientId: randomUUID() } };
    expect((await call('POST', `/api/tickets/${ticket}/client`, unknown)).status).toBe(400);
    const none = await call('POST', `/api/tickets/${ticket}/client`, { body: { clientId: null } });
    expect(none.json.client).toBeNull();
  });
});

describe('the defaults of new tickets', () => {
  test('are the built-in ones, the tenant’s, or the mailbox’s own', async () => {
    const id = (await call('POST', '/api/email/providers', { body: providerBody() })).json.id ?? '';
    const mailbox = `/api/email/providers/${id}/ticket-defaults`;
    const builtIn = (await call('GET', mailbox)).json;
    expect(builtIn).toMatchObject({
      priority: 'normal',
      reopenWithinHours: 168,
      requireVerifiedSender: false,
    });
    const tenants = { ...builtIn, priority: 'low' };
    expect(await call('PUT', '/api/tickets/defaults', { body: tenants })).toMatchObject({
      status: 200,
      json: tenants,
    });
    expect((await call('GET', mailbox)).json).toEqual(tenants);
    const own = { ...builtIn, tags: ['x'], authservIds: ['mx.example.com'], requireVerifiedSender: true };
    for (let time = 0; time < 2; time += 1)
      expect((await call('PUT', mailbox, { body: own })).json).toEqual(own);
    expect((await call('DELETE', mailbox)).status).toBe(204);
    expect((await call('DELETE', mailbox)).status).toBe(404);
    expect((await call('GET', mailbox)).json).toEqual(tenants);
    expect((await call('GET', '/api/tickets/defaults', { token: b.token })).json).toEqual(builtIn);
    const { rows } = await owner.query(
      `SELECT action FROM audit_log WHERE tenant = $1 AND action LIKE 'ticket_defaults%' ORDER BY at`,
      [a.tenant],
    );
    expect(rows.map(({ action }: { action: string }) => action)).toEqual([
      'ticket_defaults.set',
      'ticket_defaults.set',
      'ticket_defaults.set',
      'ticket_defaults.remove',
    ]);
  });

  test('name a client of the tenant or none', async () => {
    const answer = await call('PUT', '/api/tickets/defaults', { body: { clientId: randomUUID() } });
    expect(answer).toMatchObject({ status: 400, json: { error: { fields: [{ field: 'clientId' }] } } });
  });
});

describe('a client', () => {
  test('shows what belongs to it, and goes only when nothing names it', async () => {
    const id =
      (await call('POST', '/api/clients', { body: { name: 'Leaving', domains: ['leaving.example'] } })).json
        .id ?? '';
    const path = `/api/clients/${id}`;
    const tickets = [await insertTicket(owner, a.tenant), await insertTicket(owner, a.tenant)];
    await owner.query(
      `UPDATE tickets SET client_id = $2, status = CASE WHEN id = $3 THEN 'closed' ELSE status END WHERE id = ANY($1)`,
      [tickets, id, tickets[0]],
    );
    await owner.query(
      `INSERT INTO contacts (tenant, id, email, name, client_id)
       SELECT $1, gen_random_uuid(), 'p' || n || '@leaving.example', NULL, $2 FROM generate_series(1, 3) n`,
      [a.tenant, id],
    );
    expect((await call('GET', path)).json).toEqual({
      ...{ id, name: 'Leaving', domains: ['leaving.example'], isActive: true },
      ...{ contactCount: 3, ticketCount: 2, openTicketCount: 1 },
    });
    expect(ids(await call('GET', `/api/tickets?clientId=${id}`)).toSorted()).toEqual(tickets.toSorted());
    const page = await call('GET', `${path}/contacts?limit=2`);
    const rest = await call('GET', `${path}/contacts?limit=2&cursor=${page.json.nextCursor}`);
    const people = [page, rest].flatMap(({ json }) => json.items as unknown as object[]);
    expect(people).toMatchObject([1, 2, 3].map((n) => ({ email: `p${n}@leaving.example`, name: null })));
    expect((await call('GET', `${path}/contacts`, { token: b.token })).status).toBe(404);

    const refusal = async (): Promise<unknown> => {
      const { status, json } = await call('DELETE', path);
      return [status, (json as unknown as ErrorBody).error.message];
    };
    expect(await refusal()).toEqual([409, expect.stringContaining('has tickets')]);
    await owner.query('UPDATE tickets SET client_id = NULL WHERE client_id = $1', [id]);
    await call('PUT', '/api/tickets/defaults', { body: { clientId: id } });
    expect(await refusal()).toEqual([409, expect.stringContaining('defaults')]);
    await call('DELETE', '/api/tickets/defaults');
    const rule = {
      name: 'To them',
      when: { field: 'subject', operator: 'contains', value: 'x' },
      actions: [{ kind: 'route', clientId: id.toUpperCase() }],
    };
    const ruleId = (await call('POST', '/api/email/rules', { body: rule })).json.id ?? '';
    expect(await refusal()).toEqual([409, expect.stringContaining('rule')]);
    await call('DELETE', `/api/email/rules/${ruleId}`);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(404);
    const left = await owner.query(
      'SELECT count(*)::int AS people, count(client_id)::int AS named FROM contacts WHERE email LIKE $1',
      ['%@leaving.example'],
    );
    expect(left.rows).toEqual([{ people: 3, named: 0 }]);
    // Its domain is free again.
    expect(
      (await call('POST', '/api/clients', { body: { name: 'New', domains: ['leaving.example'] } })).status,
    ).toBe(201);
    const { rows } = await owner.query(
      `SELECT before ->> 'name' AS name, after FROM audit_log WHERE action = 'client.delete' AND subject_id = $1`,
      [id],
    );
    expect(rows).toEqual([{ name: 'Leaving', after: null }]);
  });
});
