/** Asking the daemon for an audit: a number in the mailbox's row that its folders have to reach, and a notice. */
import type { Knex } from 'knex';
import { notifyProvider } from '@mailstream/shared/db/notices';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { watchedFolders } from '@mailstream/shared/domain/provider';
import type { Actor, ProviderStore } from '../ports.ts';
import { iso } from './page-cursor.ts';
import { audit } from './pg-audit.ts';

interface RequestRow {
  readonly audit_version: number;
  readonly audit_requested_at: Date;
  readonly folder_filters: readonly string[];
}

export async function requestAudit(
  trx: Knex.Transaction,
  actor: Actor,
  id: ProviderId,
): Promise<Awaited<ReturnType<ProviderStore['requestAudit']>>> {
  const { tenant } = actor;
  const provider = await trx<{ tenant: string; id: string; is_active: boolean; paused_at: Date | null }>(
    'email_providers',
  )
    .where({ tenant, id })
    .first('is_active', 'paused_at');
  if (provider === undefined) return { kind: 'notFound' };
  if (!provider.is_active || provider.paused_at !== null) return { kind: 'notRunning' };
  const [row] = (await trx('imap_email_provider_config')
    .where({ tenant, email_provider_id: id })
    .update({
      audit_version: trx.raw('audit_version + 1'),
      audit_requested_at: trx.fn.now(),
      audit_requested_by_type: actor.kind,
      audit_requested_by_id: actor.id,
    })
    .returning(['audit_version', 'audit_requested_at', 'folder_filters'])) as RequestRow[];
  if (row === undefined) return { kind: 'notFound' };
  await audit(trx, actor, 'provider.audited', id, null, null);
  await notifyProvider(trx, tenant, id);
  return {
    kind: 'requested',
    request: {
      providerId: id,
      version: Number(row.audit_version),
      requestedAt: iso(row.audit_requested_at),
      folders: [...watchedFolders({ folders: row.folder_filters })],
    },
  };
}
