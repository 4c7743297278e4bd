/** Defaults of tickets: one row for a mailbox, one (without a mailbox) for the tenant. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { TicketDefaultsBody } from '../contracts/ticket-defaults.ts';
import type { Actor, DefaultsResult } from '../ports.ts';
import { auditLine } from './pg-audit-line.ts';

const COLUMNS: Readonly<Record<keyof TicketDefaultsBody, string>> = {
  clientId: 'client_id',
  priority: 'priority',
  queue: 'queue',
  tags: 'tags',
  reopenWithinHours: 'reopen_within_hours',
  maxMessagesPerHour: 'max_messages_per_hour',
  authservIds: 'authserv_ids',
  authservWritesNoId: 'authserv_writes_no_id',
  authservFields: 'authserv_fields',
  requireVerifiedSender: 'require_verified_sender',
};

export async function findDefaults(
  trx: Knex.Transaction,
  tenant: TenantId,
  provider: ProviderId | null,
): Promise<TicketDefaultsBody | null | 'notFound'> {
  const isKnown = provider === null || (await exists(trx, 'email_providers', tenant, provider));
  return isKnown ? readDefaults(trx, tenant, provider) : 'notFound';
}

async function readDefaults(
  trx: Knex.Transaction,
  tenant: TenantId,
  provider: ProviderId | null,
): Promise<TicketDefaultsBody | null> {
  const row: TicketDefaultsBody | undefined = await trx('ticket_defaults')
    .where({ tenant, provider_id: provider })
    .first(COLUMNS);
  return row ?? null;
}

export async function writeDefaults(
  trx: Knex.Transaction,
  actor: Actor,
  provider: ProviderId | null,
  defaults: TicketDefaultsBody,
): Promise<DefaultsResult> {
  const { tenant } = actor;
  if (provider !== null && !(await exists(trx, 'email_providers', tenant, provider))) return 'notFound';
  if (defaults.clientId !== null && !(await exists(trx, 'clients', tenant, defaults.clientId)))
    return 'clientUnknown';
  const before = await readDefaults(trx, tenant, provider);
  const values = Object.fromEntries(
    Object.entries(COLUMNS).map(([name, column]) => [column, defaults[name as keyof TicketDefaultsBody]]),
  );
  await trx('ticket_defaults')
    .insert({ tenant, id: randomUUID(), provider_id: provider, ...values })
    .onConflict(['tenant', 'provider_id'])
    .merge({ ...values, updated_at: trx.fn.now() });
  await auditLine(trx, actor, 'ticket_defaults.set', subjectOf(actor, provider), { before, after: defaults });
  return 'changed';
}

export async function removeDefaults(
  trx: Knex.Transaction,
  actor: Actor,
  provider: ProviderId | null,
): Promise<'changed' | 'notFound'> {
  const before = await readDefaults(trx, actor.tenant, provider);
  if (before === null) return 'notFound';
  await trx('ticket_defaults').where({ tenant: actor.tenant, provider_id: provider }).delete();
  await auditLine(trx, actor, 'ticket_defaults.remove', subjectOf(actor, provider), { before, after: null });
  return 'changed';
}

async function exists(trx: Knex.Transaction, table: string, tenant: TenantId, id: string): Promise<boolean> {
  return (await trx(table).where({ tenant, id }).first('id')) !== undefined;
}

function subjectOf(actor: Actor, provider: ProviderId | null): Parameters<typeof auditLine>[3] {
  return provider === null ? { type: 'tenant', id: actor.tenant } : { type: 'email_provider', id: provider };
}
