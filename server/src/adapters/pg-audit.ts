/** Who changed what, when. Append only; secrets appear by name, never by value. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import type { Actor, ProviderChange, ProviderRecord } from '../ports.ts';

type Snapshot = Readonly<Record<string, unknown>>;

/** The settings as the log keeps them; of a change also which secrets it wrote and erased, what a login was granted, and whether it paused. */
export function auditedSettings(state: ProviderRecord | ProviderChange): Snapshot {
  if ('secrets' in state) return { ...state.settings, isPaused: state.pauseReason !== null };
  const written = Object.keys(state.secretsToWrite);
  const scope = state.grant?.grant.tokens.scope ?? null;
  return {
    ...state.settings,
    ...(state.pause === 'keep' ? {} : { isPaused: state.pause === 'pause' }),
    ...(written.length === 0 ? {} : { secretsWritten: written }),
    ...(state.secretsToRemove.length === 0 ? {} : { secretsErased: state.secretsToRemove }),
    ...(scope === null ? {} : { scopesGranted: scope }),
  };
}

export async function audit(
  trx: Knex.Transaction,
  actor: Actor,
  action: string,
  subject: ProviderId,
  before: Snapshot | null,
  after: Snapshot | null,
): Promise<void> {
  await trx('audit_log').insert({
    tenant: actor.tenant,
    id: randomUUID(),
    actor_type: actor.kind,
    actor_id: actor.id,
    action,
    subject_type: 'email_provider',
    subject_id: subject,
    before: before === null ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
  });
}

/** Names of the settings that differ, for people; a creation or deletion names none. */
export function auditedFields(before: Snapshot | null, after: Snapshot | null): string[] {
  if (before === null || after === null) return [];
  return Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
