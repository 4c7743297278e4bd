/** What is kept of the newest messages: the ledger's row, and of those that came into a ticket the comment. */
import type { Knex } from 'knex';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { RuleTestBody } from '../contracts/rules.ts';
import type { RuleSample } from '../ports/rules.ts';

/** Of one body: two hundred of them must fit into memory. */
const MAX_TEXT = 64 * 1024;

interface SampleRow {
  readonly event_id: string;
  readonly provider_id: string;
  readonly received_at: Date;
  readonly sender: string | null;
  readonly subject: string | null;
  readonly size: number;
  readonly storage_key: string | null;
  readonly outcome: string | null;
  readonly comment_id: string | null;
  readonly author_name: string | null;
  readonly text: string | null;
  readonly is_cut: boolean | null;
  readonly automated_kind: string | null;
  readonly attachments: readonly { readonly name: string; readonly contentType: string }[];
}

const SAMPLES = `
WITH newest AS (
  SELECT tenant, event_id, provider_id, received_at, sender, subject, size, storage_key
    FROM inbound_messages
   WHERE tenant = :tenant AND (CAST(:provider AS uuid) IS NULL OR provider_id = CAST(:provider AS uuid))
     -- What the daemon left out (older than the mailbox, or here under another UID) never came to a rule.
     AND (status <> 'skipped' OR processed_at IS NOT NULL)
   ORDER BY received_at DESC, event_id DESC LIMIT :limit
)
SELECT m.*, g.outcome, c.id AS comment_id, c.author_name, left(c.body_text, :maxText) AS text, c.automated_kind,
       length(c.body_text) > :maxText OR c.text_storage_key IS NOT NULL AS is_cut,
       (SELECT COALESCE(jsonb_agg(jsonb_build_object('name', a.name, 'contentType', a.content_type)), '[]')
          FROM ticket_attachments a WHERE a.tenant = m.tenant AND a.comment_id = c.id) AS attachments
  FROM newest m
  LEFT JOIN email_processed_messages g ON g.tenant = m.tenant AND g.event_id = m.event_id
  LEFT JOIN ticket_comments c ON c.tenant = m.tenant AND c.event_id = m.event_id
 ORDER BY m.received_at DESC, m.event_id DESC`;

export async function readSamples(
  trx: Knex.Transaction,
  tenant: TenantId,
  { limit, providerId }: Pick<RuleTestBody, 'limit' | 'providerId'>,
): Promise<readonly RuleSample[]> {
  const { rows } = await trx.raw<{ rows: readonly SampleRow[] }>(SAMPLES, {
    tenant,
    limit,
    provider: providerId ?? null,
    maxText: MAX_TEXT,
  });
  return rows.map((row) => ({
    eventId: row.event_id,
    providerId: row.provider_id,
    receivedAt: row.received_at,
    sender: row.sender,
    subject: row.subject,
    size: row.size,
    storageKey: row.storage_key,
    content:
      row.comment_id === null
        ? null
        : {
            senderName: row.author_name,
            text: row.text ?? '',
            isCut: row.is_cut ?? false,
            attachments: row.attachments,
          },
    joined:
      row.outcome === 'comment'
        ? { isMachine: row.automated_kind !== null && row.automated_kind !== 'bounce' }
        : null,
  }));
}
