/**
 * Rules for incoming mail. Every change locks the tenant's row of `email_rule_sets` first and gives it a new version: changes come one
 * after the other, and the next mail is judged by what is stored then.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { MAX_RULES } from '@mailstream/shared/rules/evaluate-rules';
import type { RuleBody, StoredRule } from '../contracts/rules.ts';
import type { Actor } from '../ports.ts';
import type { RuleResult, RuleStore } from '../ports/rules.ts';
import { auditLine } from './pg-audit-line.ts';
import { activeClients, readRules, unknownClients } from './pg-rule-rows.ts';
import { readSamples } from './pg-rule-samples.ts';

type Refusal = Exclude<RuleResult, { readonly kind: 'changed' }>;

/** Undoes the transaction. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.kind);
    this.refusal = refusal;
  }
}

export function createRuleStore(database: Database): RuleStore {
  const change = async (
    { tenant }: Actor,
    work: (trx: Knex.Transaction, before: readonly StoredRule[]) => Promise<string>,
  ): Promise<RuleResult> => {
    try {
      return await database.withTenant(tenant, async (trx) => {
        await lockRules(trx, tenant);
        const before = await readRules(trx, tenant);
        const id = await work(trx, before.stored);
        const { stored, overLimit } = await readRules(trx, tenant);
        // Also where it is another rule, behind this one, for which no room is left.
        if (overLimit.some((over) => !before.overLimit.includes(over)))
          throw new RefusedError({ kind: 'tooCostly' });
        return { kind: 'changed', rule: ruleOf(stored, id) };
      });
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal;
      throw error;
    }
  };

  return {
    list: (tenant) => database.withTenant(tenant, async (trx) => (await readRules(trx, tenant)).stored),

    get: (tenant, id) =>
      database.withTenant(
        tenant,
        async (trx) => (await readRules(trx, tenant)).stored.find((rule) => rule.id === id) ?? null,
      ),

    create: (actor, id, body) =>
      change(actor, async (trx, before) => {
        if (before.length >= MAX_RULES) throw new RefusedError({ kind: 'tooMany' });
        await checkReferences(trx, actor.tenant, body);
        await trx('email_rules').insert({
          ...columns(body),
          tenant: actor.tenant,
          id,
          // Not their number: those of a mailbox that was removed leave gaps.
          position: trx.raw(
            '(SELECT COALESCE(max(position) + 1, 0) FROM email_rules WHERE tenant = ?)',
            actor.tenant,
          ),
        });
        await audit(trx, actor, 'create', id, null, body);
        return id;
      }),

    replace: (actor, id, body) =>
      change(actor, async (trx, before) => {
        const old = ruleOf(before, id);
        await checkReferences(trx, actor.tenant, body);
        await update(trx, actor, id, columns(body));
        await audit(trx, actor, 'replace', id, audited(old), body);
        return id;
      }),

    setEnabled: (actor, id, isEnabled) =>
      change(actor, async (trx, before) => {
        const old = ruleOf(before, id);
        if (old.isEnabled === isEnabled) return id;
        await update(trx, actor, id, { is_enabled: isEnabled });
        const action = isEnabled ? 'enable' : 'disable';
        await audit(trx, actor, action, id, { isEnabled: !isEnabled }, { isEnabled });
        return id;
      }),

    remove: (actor, id) =>
      database.withTenant(actor.tenant, async (trx) => {
        await lockRules(trx, actor.tenant);
        const { stored } = await readRules(trx, actor.tenant);
        const old = stored.find((rule) => rule.id === id);
        if (old === undefined) return 'notFound';
        await trx('email_rules').where({ tenant: actor.tenant, id }).delete();
        const others = stored.map((rule) => rule.id).filter((other) => other !== id);
        await setOrder(trx, actor.tenant, others);
        await audit(trx, actor, 'delete', id, audited(old), null);
        return 'changed';
      }),

    reorder: (actor, ids) =>
      database.withTenant(actor.tenant, async (trx) => {
        await lockRules(trx, actor.tenant);
        const before = (await readRules(trx, actor.tenant)).stored.map(({ id }) => id);
        const isSame = ids.length === before.length && new Set(ids).size === ids.length;
        if (!isSame || !before.every((id) => ids.includes(id))) return 'mismatch';
        await setOrder(trx, actor.tenant, ids);
        const subject = { type: 'tenant', id: actor.tenant } as const;
        await auditLine(trx, actor, 'email_rule.reorder', subject, {
          before: { ids: before },
          after: { ids },
        });
        return 'changed';
      }),

    samples: (tenant, query) => database.withTenant(tenant, (trx) => readSamples(trx, tenant, query)),
  };
}

async function lockRules(trx: Knex.Transaction, tenant: TenantId): Promise<void> {
  const version = randomUUID();
  await trx('email_rule_sets')
    .insert({ tenant, version })
    .onConflict('tenant')
    .merge({ version, updated_at: trx.fn.now() });
}

/** @throws RefusedError where there is none */
function ruleOf(rules: readonly StoredRule[], id: string): StoredRule {
  const found = rules.find((rule) => rule.id === id);
  if (found === undefined) throw new RefusedError({ kind: 'notFound' });
  return found;
}

/** @throws RefusedError for a mailbox or client that is not there */
async function checkReferences(trx: Knex.Transaction, tenant: TenantId, body: RuleBody): Promise<void> {
  const { providerId } = body;
  if (providerId !== null) {
    const provider: unknown = await trx('email_providers').where({ tenant, id: providerId }).first('id');
    if (provider === undefined) throw new RefusedError({ kind: 'providerUnknown' });
  }
  const [action] = unknownClients(body, await activeClients(trx, tenant, [body]));
  if (action !== undefined) throw new RefusedError({ kind: 'clientUnknown', action });
}

function columns(body: RuleBody): Readonly<Record<string, unknown>> {
  return {
    name: body.name,
    is_enabled: body.isEnabled,
    is_dry_run: body.isDryRun,
    stops_on_match: body.stopsOnMatch,
    provider_id: body.providerId,
    conditions: JSON.stringify(body.when),
    actions: JSON.stringify(body.actions),
  };
}

async function update(
  trx: Knex.Transaction,
  { tenant }: Actor,
  id: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  await trx('email_rules')
    .where({ tenant, id })
    .update({ ...values, updated_at: trx.fn.now() });
}

async function setOrder(trx: Knex.Transaction, tenant: TenantId, ids: readonly string[]): Promise<void> {
  await trx.raw(
    `UPDATE email_rules r SET position = o.place - 1
       FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS o (id, place)
      WHERE r.tenant = :tenant AND r.id = o.id AND r.position <> o.place - 1`,
    { tenant, ids: [...ids] },
  );
}

function audited({ name, isEnabled, isDryRun, stopsOnMatch, providerId, ...rule }: StoredRule): object {
  const content = rule.isBroken ? { stored: rule.storedText } : { when: rule.when, actions: rule.actions };
  return { name, isEnabled, isDryRun, stopsOnMatch, providerId, ...content };
}

function audit(
  trx: Knex.Transaction,
  actor: Actor,
  action: 'create' | 'replace' | 'enable' | 'disable' | 'delete',
  id: string,
  before: object | null,
  after: object | null,
): Promise<void> {
  return auditLine(trx, actor, `email_rule.${action}`, { type: 'email_rule', id }, { before, after });
}
