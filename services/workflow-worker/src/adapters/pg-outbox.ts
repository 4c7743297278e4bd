/**
 * The mails to be sent, as PostgreSQL holds them: the truth, of which the queue in Redis is a copy.
 *
 *            claim            taken
 *   queued ─────────▶ sending ─────▶ sent ─────▶ bounced (a report came back)
 *     ▲                 │  ▲ lease over: whoever comes next
 *     │ again later     │  └──┘
 *     └─────────────────┴────────▶ failed (the ticket needs attention)
 *
 * A claim has an id of its own; what was claimed by somebody else meanwhile is changed by nobody but him. Claims of one mailbox take
 * turns, so that its limits hold over all processes.
 */
import type { Knex } from 'knex';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { Database } from '@mailstream/shared/db/database';
import { perTenant } from '@mailstream/shared/db/per-tenant';
import { hashReplyToken } from '@mailstream/shared/mail/reply-token-secret';
import { toSmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import { z } from 'zod';
import type { ClaimResult, OutboundRef, Outbox } from '../outbound/ports.ts';

/** A server that is slow holds up no more than this many of a mailbox, and of a tenant. */
const IN_FLIGHT_PER_MAILBOX = 2;
const IN_FLIGHT_PER_TENANT = 4;
const BUSY_MS = 250;
/** The more wait for a mailbox, the later each of them looks again: together they ask the database as often as one would. */
const BUSY_MS_PER_WAITING = 25;
const BUSY_CAP_MS = 30_000;
const TOKEN_LIFETIME_DAYS = 180;

const DUE = `
SELECT tenant, id, priority,
       GREATEST(0, EXTRACT(EPOCH FROM CASE state WHEN 'sending' THEN claimed_until ELSE next_attempt_at END - now()) * 1000)::float8 AS "delayMs"
  FROM outbound_messages
 WHERE state IN ('queued', 'sending')
   AND (relayed_at IS NULL
        OR (relayed_at < now() - :relayAgainMs * interval '1 millisecond'
            AND CASE state WHEN 'sending' THEN claimed_until ELSE next_attempt_at END < now()))
 ORDER BY relayed_at NULLS FIRST, created_at
 LIMIT :limit`;

const READ = `
SELECT m.provider_id, m.state, m.kind, m.attempts, m.recipient, m.subject, m.body_text, m.body_html, m.attachments, m.message_id,
       m.in_reply_to, m.reference_ids, m.ticket_id,
       EXTRACT(EPOCH FROM m.next_attempt_at - now())::float8 * 1000 AS early_ms,
       EXTRACT(EPOCH FROM m.claimed_until - now())::float8 * 1000 AS held_ms,
       EXTRACT(EPOCH FROM now() - m.created_at)::float8 AS age_seconds,
       (SELECT to_jsonb(s) FROM smtp_settings s WHERE s.tenant = m.tenant AND s.provider_id = m.provider_id) AS settings
  FROM outbound_messages m WHERE m.tenant = :tenant AND m.id = :id FOR UPDATE`;

const rowSchema = z.object({
  provider_id: z.guid(),
  state: z.string(),
  kind: z.enum(['acknowledgement', 'agent_reply', 'alert']),
  attempts: z.number(),
  recipient: z.string(),
  subject: z.string(),
  body_text: z.string(),
  body_html: z.string().nullable(),
  attachments: z.array(
    z.object({ name: z.string(), contentType: z.string(), storageKey: z.string(), size: z.number() }),
  ),
  message_id: z.string(),
  in_reply_to: z.string().nullable(),
  reference_ids: z.array(z.string()),
  ticket_id: z.guid(),
  early_ms: z.number(),
  held_ms: z.number().nullable(),
  age_seconds: z.number(),
  settings: z.unknown(),
});

const LOAD = `
SELECT count(*) FILTER (WHERE state = 'sending' AND claimed_until > now() AND provider_id = :providerId)::int AS mailbox,
       count(*) FILTER (WHERE state = 'sending' AND claimed_until > now())::int AS tenant,
       count(*) FILTER (WHERE provider_id = :providerId AND sent_at > now() - interval '1 minute')::int AS minute
  FROM outbound_messages
 WHERE tenant = :tenant AND (state = 'sending' OR (provider_id = :providerId AND sent_at > now() - interval '1 minute'))`;

export function createPgOutbox(database: Database): Outbox {
  return {
    due: ({ limit, relayAgainMs }) =>
      database.asDaemon(async (trx) => {
        const { rows } = await trx.raw<{
          rows: { tenant: string; id: string; priority: 'normal'; delayMs: number }[];
        }>(DUE, { limit, relayAgainMs });
        return rows.map((row) => ({ ...row, tenant: tenantId(row.tenant) }));
      }),
    relayed: (mails) =>
      database.asDaemon(async (trx) => {
        await perTenant(database.isCitus, mails, async (some, tenant) => {
          await trx.raw(
            `UPDATE outbound_messages m SET relayed_at = now()
               FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS r (tenant, id)
              WHERE m.tenant = r.tenant AND m.id = r.id AND m.state IN ('queued', 'sending')
                ${tenant === null ? '' : 'AND m.tenant = :tenant'}`,
            {
              tenants: some.map((mail) => mail.tenant),
              ids: some.map(({ id }) => id),
              ...(tenant === null ? {} : { tenant }),
            },
          );
          return [];
        });
      }),
    claim: (ref, options) => database.withTenant(ref.tenant, (trx) => claim(trx, ref, options)),
    sent: ({ tenant, id, claimId }) =>
      database.withTenant(tenant, async (trx) => {
        const changed = await trx('outbound_messages')
          .where({ tenant, id, claim_id: claimId })
          .update({
            ...released(trx),
            state: 'sent',
            sent_at: trx.fn.now(),
            error_code: null,
            error_detail: null,
          });
        return changed === 1;
      }),
    failed: ({ tenant, id, claimId }, { code, detail }, retryInMs) =>
      database.withTenant(tenant, async (trx) => {
        const rows = await trx('outbound_messages')
          .where({ tenant, id, claim_id: claimId })
          .update({
            ...released(trx),
            state: retryInMs === null ? 'failed' : 'queued',
            error_code: code,
            error_detail: detail,
            next_attempt_at: trx.raw(`now() + ? * interval '1 millisecond'`, [retryInMs ?? 0]),
            relayed_at: trx.fn.now(),
          })
          .returning<{ ticket_id: string; comment_id: string | null }[]>(['ticket_id', 'comment_id']);
        const [row] = rows;
        if (row !== undefined && retryInMs === null) await flagTicket(trx, ref(tenant, id), row);
        return row !== undefined;
      }),
    settleTaken: ({ tenant, id }, claimId) =>
      database.withTenant(tenant, async (trx) => {
        await trx('outbound_messages')
          .where({ tenant, id, claim_id: claimId, state: 'sending' })
          .update({
            ...released(trx),
            state: 'sent',
            sent_at: trx.fn.now(),
            error_code: null,
            error_detail: null,
          });
      }),
    countWaiting: () =>
      database.asDaemon(async (trx) => {
        const { rows } = await trx.raw<{ rows: { count: number }[] }>(
          `SELECT count(*)::int AS count FROM outbound_messages WHERE state IN ('queued', 'sending')`,
        );
        return rows[0]?.count ?? 0;
      }),
  };
}

async function claim(
  trx: Knex.Transaction,
  { tenant, id }: OutboundRef,
  { claimId, leaseMs, replyToken }: Parameters<Outbox['claim']>[1],
): Promise<ClaimResult> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(READ, { tenant, id });
  if (rows[0] === undefined) return { kind: 'settled' };
  const row = rowSchema.parse(rows[0]);
  if (row.state !== 'queued' && row.state !== 'sending') return { kind: 'settled' };
  const waitMs = row.state === 'sending' ? (row.held_ms ?? 0) : row.early_ms;
  if (waitMs > 0) return { kind: 'later', delayMs: Math.ceil(waitMs) };
  if (row.settings === null || row.settings === undefined)
    return await cannotSend(trx, { tenant, id }, row.ticket_id);
  const settings = toSmtpSettings(row.settings);
  // The row is locked; whoever else is here has another one, and the counts below must not be his as well.
  await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(:mailbox, 0))', {
    mailbox: `outbound:${tenant}`,
  });
  const load = await trx.raw<{ rows: { mailbox: number; tenant: number; minute: number }[] }>(LOAD, {
    tenant,
    providerId: row.provider_id,
  });
  const { mailbox = 0, tenant: all = 0, minute = 0 } = load.rows[0] ?? {};
  const isBusy = mailbox >= IN_FLIGHT_PER_MAILBOX || all >= IN_FLIGHT_PER_TENANT;
  const isOverRate = minute + mailbox >= settings.maxPerMinute;
  if (isBusy || isOverRate) {
    const everyMs = isOverRate ? Math.ceil(60_000 / settings.maxPerMinute) : BUSY_MS_PER_WAITING;
    return { kind: 'later', delayMs: await turnMs(trx, tenant, row.provider_id, everyMs) };
  }
  await trx('outbound_messages')
    .where({ tenant, id })
    .update({
      state: 'sending',
      claim_id: claimId,
      claimed_until: trx.raw(`now() + ? * interval '1 millisecond'`, [leaseMs]),
      attempts: row.attempts + 1,
      updated_at: trx.fn.now(),
    });
  await trx('email_reply_tokens').insert({
    tenant,
    token_hash: hashReplyToken(replyToken),
    ticket_id: row.ticket_id,
    recipient_email: row.recipient,
    expires_at: trx.raw(`now() + make_interval(days => ?)`, [TOKEN_LIFETIME_DAYS]),
  });
  return {
    kind: 'claimed',
    claimed: {
      tenant,
      id,
      claimId,
      providerId: providerId(row.provider_id),
      attempts: row.attempts + 1,
      ageSeconds: row.age_seconds,
      attachments: row.attachments,
      settings,
      mail: {
        kind: row.kind,
        recipient: row.recipient,
        subject: row.subject,
        bodyText: row.body_text,
        bodyHtml: row.body_html,
        messageId: row.message_id,
        inReplyTo: row.in_reply_to,
        references: row.reference_ids,
        replyToken,
      },
    },
  };
}

/** Spreads those that wait for a mailbox over the time that it needs for them. */
async function turnMs(
  trx: Knex.Transaction,
  tenant: string,
  mailbox: string,
  everyMs: number,
): Promise<number> {
  const { rows } = await trx.raw<{ rows: { waiting: number }[] }>(
    `SELECT count(*)::int AS waiting FROM (
       SELECT FROM outbound_messages
        WHERE tenant = :tenant AND provider_id = :mailbox AND state = 'queued' AND next_attempt_at <= now() LIMIT 1000) w`,
    { tenant, mailbox },
  );
  const spreadMs = Math.random() * (rows[0]?.waiting ?? 0) * everyMs;
  return Math.round(Math.min(BUSY_CAP_MS, BUSY_MS + spreadMs));
}

/** The settings were removed after the mail was written. */
async function cannotSend(trx: Knex.Transaction, own: OutboundRef, ticketId: string): Promise<ClaimResult> {
  await trx('outbound_messages')
    .where({ ...own })
    .update({
      ...released(trx),
      state: 'failed',
      error_code: 'SMTP_NOT_SET',
      error_detail: 'the mailbox has no server for outgoing mail',
    });
  await flagTicket(trx, own, { ticket_id: ticketId, comment_id: null });
  return { kind: 'settled' };
}

function released(trx: Knex.Transaction): Readonly<Record<string, Knex.Value | Knex.Raw | null>> {
  return { claim_id: null, claimed_until: null, updated_at: trx.fn.now() };
}

/** A mail of ours that reaches nobody is a matter for people. */
async function flagTicket(
  trx: Knex.Transaction,
  { tenant }: OutboundRef,
  {
    ticket_id: ticketId,
    comment_id: commentId,
  }: { readonly ticket_id: string; readonly comment_id: string | null },
): Promise<void> {
  await trx.raw(
    `INSERT INTO ticket_attention (tenant, ticket_id, reason, comment_id) VALUES (:tenant, :ticketId, 'bounce', :commentId)
     ON CONFLICT (tenant, ticket_id, reason) DO UPDATE
       SET comment_id = excluded.comment_id, created_at = excluded.created_at, resolved_at = NULL`,
    { tenant, ticketId, commentId },
  );
}

function ref(tenant: OutboundRef['tenant'], id: string): OutboundRef {
  return { tenant, id };
}
