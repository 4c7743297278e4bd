/** What happened to one mailbox lately: messages, folders, and changes of its settings. */
import type { Knex } from 'knex';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { Activity } from '../contracts/providers.ts';
import type { MessageStatus } from '../contracts/messages.ts';
import { messageStatusText } from '../use-cases/status-text.ts';
import { iso } from './page-cursor.ts';
import { auditedFields } from './pg-audit.ts';
import { providerRow } from './pg-provider-rows.ts';
import { toFolders } from './provider-view.ts';

const MESSAGES = 50;
const CHANGES = 20;

interface MessageRow {
  readonly event_id: string;
  readonly folder: string;
  readonly uid: number;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly status: MessageStatus;
  readonly reason: string | null;
  readonly received_at: Date;
}

interface AuditRow {
  readonly at: Date;
  readonly action: string;
  readonly actor_type: string;
  readonly actor_name: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

export async function readActivity(
  trx: Knex.Transaction,
  tenant: TenantId,
  id: ProviderId,
): Promise<Activity | null> {
  const row = await providerRow(trx, tenant, id);
  if (row === null) return null;
  const messages: MessageRow[] = await trx('inbound_messages')
    .where({ tenant, provider_id: id })
    .orderBy('received_at', 'desc')
    .limit(MESSAGES)
    .select('event_id', 'folder', 'uid', 'sender', 'subject', 'status', 'reason', 'received_at');
  const changes: AuditRow[] = await trx('audit_log as a')
    .leftJoin('users as u', (on) => {
      on.on('u.tenant', 'a.tenant').andOn(trx.raw('u.id::text = a.actor_id'));
    })
    .leftJoin('api_tokens as t', (on) => {
      on.on('t.tenant', 'a.tenant').andOn(trx.raw('t.id::text = a.actor_id'));
    })
    .where({ 'a.tenant': tenant, 'a.subject_type': 'email_provider', 'a.subject_id': id })
    .orderBy('a.at', 'desc')
    .limit(CHANGES)
    .select('a.at', 'a.action', 'a.actor_type', 'a.before', 'a.after')
    .select(trx.raw(`COALESCE(NULLIF(u.display_name, ''), u.email, t.name) AS actor_name`));
  return {
    messages: messages.map((message) => ({
      eventId: message.event_id,
      folder: message.folder,
      uid: message.uid,
      sender: message.sender,
      subject: message.subject,
      status: message.status,
      statusText: messageStatusText(message.status, message.reason),
      receivedAt: iso(message.received_at),
    })),
    folders: toFolders(row),
    changes: changes.map((change) => ({
      at: iso(change.at),
      action: change.action,
      actorType: change.actor_type,
      actorName: change.actor_name,
      fields: auditedFields(change.before, change.after),
    })),
  };
}
