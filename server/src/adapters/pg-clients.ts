/** Clients with their domains. A domain belongs to one client of a tenant at most. */
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState } from '@mailstream/shared/db/database-faults';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Client, ClientBody, ClientDetail } from '../contracts/clients.ts';
import type { Actor } from '../ports.ts';
import type { ClientRemoval, ClientResult, ClientStore } from '../ports/clients.ts';
import { contains, decodeCursor, toPage } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

const UNIQUE_VIOLATION = '23505';

export function createClientStore(database: Database): ClientStore {
  return {
    list: (tenant, query) =>
      database.withTenant(tenant, async (trx) => {
        const rows = clients(trx, tenant);
        if (query.search !== undefined) void rows.whereILike('c.name', contains(query.search));
        if (query.cursor !== undefined) {
          const [name, id] = decodeCursor(query.cursor, 'text');
          void rows.whereRaw('(lower(c.name), c.id) > (?, ?::uuid)', [name, id]);
        }
        const found = await rows.orderByRaw('lower(c.name), c.id').limit(query.limit + 1);
        return toPage(found, query.limit, toClient, (row) => [row.sort_name, row.id]);
      }),

    get: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await clients(trx, tenant).where('c.id', id);
        return row === undefined ? null : { ...toClient(row), ...(await countsOf(trx, tenant, id)) };
      }),

    contacts: (tenant, id, query) =>
      database.withTenant(tenant, async (trx) => {
        if ((await trx('clients').where({ tenant, id }).first('id')) === undefined) return null;
        const rows = trx('contacts').where({ tenant, client_id: id }).select('id', 'email', 'name');
        if (query.cursor !== undefined) {
          const position = decodeCursor(query.cursor, 'text');
          void rows.whereRaw('(email, id) > (?, ?::uuid)', [...position]);
        }
        const found: { id: string; email: string; name: string | null }[] = await rows
          .orderBy(['email', 'id'])
          .limit(query.limit + 1);
        return toPage(
          found,
          query.limit,
          (row) => row,
          (row) => [row.email, row.id],
        );
      }),

    create: (actor, id, body) =>
      refusingDoubles(
        database.withTenant(actor.tenant, async (trx) => {
          await trx('clients').insert({
            tenant: actor.tenant,
            id,
            name: body.name,
            is_active: body.isActive,
          });
          await setDomains(trx, actor.tenant, id, body.domains);
          await auditLine(trx, actor, 'client.create', { type: 'client', id }, { before: null, after: body });
          return changed(trx, actor.tenant, id);
        }),
      ),

    replace: (actor, id, body) =>
      refusingDoubles(
        database.withTenant(actor.tenant, async (trx) => {
          const before = await changed(trx, actor.tenant, id);
          if (before.kind !== 'changed') return before;
          await trx('clients')
            .where({ tenant: actor.tenant, id })
            .update({ name: body.name, is_active: body.isActive, updated_at: trx.fn.now() });
          await trx('client_domains').where({ tenant: actor.tenant, client_id: id }).delete();
          await setDomains(trx, actor.tenant, id, body.domains);
          const change = { before: before.client, after: body };
          await auditLine(trx, actor, 'client.replace', { type: 'client', id }, change);
          return changed(trx, actor.tenant, id);
        }),
      ),

    remove: (actor, id) => database.withTenant(actor.tenant, (trx) => removeClient(trx, actor, id)),
  };
}

interface ClientRow extends Omit<Client, 'isActive'> {
  readonly is_active: boolean;
  readonly sort_name: string;
}

function clients(trx: Knex.Transaction, tenant: TenantId): Knex.QueryBuilder<object, ClientRow[]> {
  return trx('clients as c')
    .where('c.tenant', tenant)
    .select(
      'c.id',
      'c.name',
      'c.is_active',
      trx.raw(`lower(c.name) AS sort_name,
        ARRAY(SELECT d.domain FROM client_domains d WHERE d.tenant = c.tenant AND d.client_id = c.id ORDER BY 1) AS domains`),
    ) as unknown as Knex.QueryBuilder<object, ClientRow[]>;
}

function toClient({ id, name, domains, is_active: isActive }: ClientRow): Client {
  return { id, name, domains, isActive };
}

async function changed(trx: Knex.Transaction, tenant: TenantId, id: string): Promise<ClientResult> {
  const [row] = await clients(trx, tenant).where('c.id', id);
  return row === undefined ? { kind: 'notFound' } : { kind: 'changed', client: toClient(row) };
}

type Counts = Pick<ClientDetail, 'contactCount' | 'ticketCount' | 'openTicketCount'>;

async function countsOf(trx: Knex.Transaction, tenant: TenantId, id: string): Promise<Counts> {
  const { rows } = await trx.raw<{ rows: readonly [Counts] }>(
    `SELECT (SELECT count(*) FROM contacts WHERE tenant = :tenant AND client_id = :id) AS "contactCount",
            count(*) AS "ticketCount", count(*) FILTER (WHERE status <> 'closed') AS "openTicketCount"
       FROM tickets WHERE tenant = :tenant AND client_id = :id`,
    { tenant, id },
  );
  return rows[0];
}

/** Locked first: a worker that is about to give it a ticket waits, and then finds it gone. */
async function removeClient(trx: Knex.Transaction, actor: Actor, id: string): Promise<ClientRemoval> {
  const { tenant } = actor;
  const locked: unknown = await trx('clients').where({ tenant, id }).forUpdate().first('id');
  const before = await changed(trx, tenant, id);
  if (locked === undefined || before.kind !== 'changed') return 'notFound';
  const user = await userOf(trx, tenant, id);
  if (user !== null) return user;
  await trx('contacts')
    .where({ tenant, client_id: id })
    .update({ client_id: null, updated_at: trx.fn.now() });
  // Its domains go with it.
  await trx('clients').where({ tenant, id }).delete();
  await auditLine(
    trx,
    actor,
    'client.delete',
    { type: 'client', id },
    { before: before.client, after: null },
  );
  return 'changed';
}

/** What would not be the same without it; null where nothing names it. */
async function userOf(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: string,
): Promise<'tickets' | 'defaults' | 'rule' | null> {
  const names = async (rows: Knex.QueryBuilder): Promise<boolean> =>
    (await rows.first('tenant')) !== undefined;
  if (await names(trx('tickets').where({ tenant, client_id: id }))) return 'tickets';
  if (await names(trx('ticket_defaults').where({ tenant, client_id: id }))) return 'defaults';
  // As text: what is stored may be no rule any more, and an id may be in capitals.
  const inActions = trx('email_rules')
    .where({ tenant })
    .whereRaw('strpos(lower(CAST(actions AS text)), ?) > 0', [id]);
  return (await names(inActions)) ? 'rule' : null;
}

async function setDomains(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: string,
  domains: ClientBody['domains'],
): Promise<void> {
  const rows = [...new Set(domains)].toSorted().map((domain) => ({ tenant, domain, client_id: id }));
  if (rows.length > 0) await trx('client_domains').insert(rows);
}

async function refusingDoubles(work: Promise<ClientResult>): Promise<ClientResult> {
  try {
    return await work;
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return { kind: 'domainTaken' };
    throw error;
  }
}

/** The ticket is the client's from now on, and so is its contact unless that one has a client already. */
export async function assignClient(
  trx: Knex.Transaction,
  actor: Actor,
  ticketId: string,
  clientId: string | null,
): Promise<'changed' | 'notFound' | 'clientUnknown'> {
  const { tenant } = actor;
  const ticket: { status: string; client_id: string | null; contact_id: string | null } | undefined =
    await trx('tickets')
      .where({ tenant, id: ticketId })
      .forUpdate()
      .first('status', 'client_id', 'contact_id');
  if (ticket === undefined) return 'notFound';
  if (clientId !== null) {
    const client: unknown = await trx('clients').where({ tenant, id: clientId }).forKeyShare().first('id');
    if (client === undefined) return 'clientUnknown';
  }
  await trx('tickets')
    .where({ tenant, id: ticketId })
    .update({ client_id: clientId, updated_at: trx.fn.now() });
  if (clientId !== null) {
    if (ticket.contact_id !== null)
      await trx('contacts')
        .where({ tenant, id: ticket.contact_id })
        .whereNull('client_id')
        .update({ client_id: clientId, updated_at: trx.fn.now() });
    await trx('ticket_attention')
      .where({ tenant, ticket_id: ticketId, reason: 'client_unknown' })
      .whereNull('resolved_at')
      .update({ resolved_at: trx.fn.now() });
    await trx.raw(
      `UPDATE tickets t SET status = 'open' WHERE tenant = :tenant AND id = :ticketId AND status = 'needs_attention'
          AND NOT EXISTS (SELECT FROM ticket_attention a WHERE a.tenant = t.tenant AND a.ticket_id = t.id AND a.resolved_at IS NULL)`,
      { tenant, ticketId },
    );
  }
  const change = { before: { clientId: ticket.client_id }, after: { clientId } };
  await auditLine(trx, actor, 'ticket.assign-client', { type: 'ticket', id: ticketId }, change);
  return 'changed';
}
