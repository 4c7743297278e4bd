/** Asking the daemon for older mail: a numbered row for each folder that its listener has to answer, and a notice. */
import type { Knex } from 'knex';
import { notifyProvider } from '@mailstream/shared/db/notices';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { watchedFolders } from '@mailstream/shared/domain/provider';
import type { ResyncBody } from '../contracts/resync.ts';
import type { Actor, ResyncResult } from '../ports.ts';
import { audit } from './pg-audit.ts';

interface ConfigRow {
  readonly resync_version: number;
  readonly folder_filters: readonly string[];
}

export async function requestResync(
  trx: Knex.Transaction,
  actor: Actor,
  id: ProviderId,
  { startFrom, dryRun, folders: asked }: ResyncBody,
): Promise<ResyncResult> {
  const { tenant } = actor;
  const config = (): Knex.QueryBuilder =>
    trx('imap_email_provider_config').where({ tenant, email_provider_id: id });
  const row = (await config().forNoKeyUpdate().first('resync_version', 'folder_filters')) as
    ConfigRow | undefined;
  const provider = await trx<{ tenant: string; id: string; is_active: boolean; paused_at: Date | null }>(
    'email_providers',
  )
    .where({ tenant, id })
    .first('is_active', 'paused_at');
  if (row === undefined || provider === undefined) return { kind: 'notFound' };
  if (!provider.is_active || provider.paused_at !== null) return { kind: 'notRunning' };
  const watched = watchedFolders({ folders: row.folder_filters });
  const folders = asked === undefined ? watched : watchedFolders({ folders: asked });
  const strange = folders.filter((folder) => !watched.includes(folder));
  if (strange.length > 0) return { kind: 'notWatched', folders: strange };
  const version = Number(row.resync_version) + 1;
  await config().update({ resync_version: version });
  await trx('folder_resyncs')
    .insert(
      folders.map((folder) => ({
        ...{ tenant, provider_id: id, folder, version, is_dry_run: dryRun },
        ...{ start_from: JSON.stringify(startFrom), requested_at: trx.fn.now() },
        ...{ requested_by_type: actor.kind, requested_by_id: actor.id },
      })),
    )
    .onConflict(['tenant', 'provider_id', 'folder'])
    .merge(['version', 'is_dry_run', 'start_from', 'requested_at', 'requested_by_type', 'requested_by_id']);
  // Counting is no change.
  if (!dryRun) await audit(trx, actor, 'provider.resynced', id, null, { startFrom, folders });
  await notifyProvider(trx, tenant, id);
  return { kind: 'requested', request: { providerId: id, version, isDryRun: dryRun, folders: [...folders] } };
}
