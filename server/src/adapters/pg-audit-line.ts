import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Actor } from '../ports.ts';

/** One line of the audit log, in the transaction of the change that it tells of. No secret may be in `before` or `after`. */
export async function auditLine(
  trx: Knex.Transaction,
  actor: Actor,
  action: string,
  subject: {
    readonly type:
      | 'ticket'
      | 'client'
      | 'tenant'
      | 'email_provider'
      | 'outbound_message'
      | 'job'
      | 'email_rule'
      | 'user'
      | 'api_token';
    readonly id: string;
  },
  change: { readonly before: object | null; readonly after: object | null },
): Promise<void> {
  const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
  await trx('audit_log').insert({
    tenant: actor.tenant,
    id: randomUUID(),
    actor_type: actor.kind,
    actor_id: actor.id,
    action,
    subject_type: subject.type,
    subject_id: subject.id,
    before: json(change.before),
    after: json(change.after),
  });
}
