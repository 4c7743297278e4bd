/** The inbox on a real database, without stream and worker: one mail at a time, and what became of it. */
import { createDatabase } from '@mailstream/shared/db/database';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { messageIdHash } from '@mailstream/shared/mail/message-id-hash';
import { hashReplyToken, makeReplyToken } from '@mailstream/shared/mail/reply-token-secret';
import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { createPgInbox } from '../src/adapters/pg-inbox.ts';
import { createPgRules } from '../src/adapters/pg-rules.ts';
import { decode } from '../src/entry-decoder.ts';
import { createRuleThreads } from '../src/adapters/rule-threads.ts';
import { createMailRules } from '../src/mail-rules.ts';
import type { EffectOutcome, Inbox, InboundEmail, ReturnedMails } from '../src/ports.ts';
import { anEntry, fieldsOf, type EntryOptions } from './emails.ts';
import { RULE_THREAD } from './worker-fixture.ts';
import { STREAM, type Mailbox, type World } from './world.ts';

export interface TicketRow {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly comments: number;
  /** Reasons that are not resolved, in alphabetical order. */
  readonly attention: readonly string[];
  /** Numbers of linked tickets with the kind of link. */
  readonly links: readonly string[];
  readonly participants: readonly string[];
}

export interface InboxFixture {
  readonly inbox: Inbox;
  /** Applies a mail; its uid counts up within the fixture unless given. */
  receive(mailbox: Mailbox, email?: Partial<EmailData>, wait?: boolean): Promise<EffectOutcome>;
  tickets(tenant: string): Promise<readonly TicketRow[]>;
  /** A reply token of the ticket, as the outbound queue makes one. */
  token(tenant: string, ticketId: string, recipient: string, lifetime?: string): Promise<string>;
  /** Notes a Message-ID as one that was sent about the ticket. */
  sent(tenant: string, ticketId: string, messageId: string): Promise<void>;
  /** Defaults of the mailbox, or of its tenant. */
  defaults(
    mailbox: { readonly tenant: string; readonly providerId: string | null },
    columns: Readonly<Record<string, unknown>>,
  ): Promise<void>;
}

export function message(options: EntryOptions): InboundEmail {
  const decoded = decode({ stream: STREAM, id: '1-0', fields: fieldsOf(anEntry(options)) });
  if (decoded.kind === 'invalid') throw new Error(decoded.detail);
  return decoded.message;
}

const NOTHING_RETURNED: ReturnedMails = { headerFor: () => Promise.resolve({ kind: 'nothing' }) };

/** @param returned reads what delivery reports bring back; nothing unless given */
export function useInbox(
  world: World,
  databaseUrl: string,
  returned: ReturnedMails = NOTHING_RETURNED,
): InboxFixture {
  const database = createDatabase({ url: databaseUrl, applicationName: 'test', poolMax: 8 });
  afterAll(() => database.close());
  const metrics = createMetrics();
  const store = createPgRules(database);
  const threads = createRuleThreads({ threadUrl: RULE_THREAD });
  afterAll(() => threads.stop());
  const log = createLogger({ service: 'test', level: 'silent' });
  const inbox = createPgInbox(database, {
    rules: createMailRules({ store, threads, metrics, clock: systemClock, log }),
    returnedMails: returned,
  });
  let nextUid = 1;
  return {
    inbox,
    receive: (mailbox, email = {}, waitForParents = false) =>
      inbox.apply(message({ ...mailbox, uid: nextUid++, email }), { waitForParents }),
    tickets: (tenant) =>
      world.query<TicketRow>(
        `SELECT t.id, t.number::int, t.status,
                (SELECT count(*)::int FROM ticket_comments c WHERE c.ticket_id = t.id) AS comments,
                ARRAY(SELECT reason FROM ticket_attention a WHERE a.ticket_id = t.id AND resolved_at IS NULL ORDER BY 1) AS attention,
                ARRAY(SELECT l.kind || ' ' || o.number FROM ticket_links l JOIN tickets o ON o.id = l.other_ticket_id
                       WHERE l.ticket_id = t.id ORDER BY 1) AS links,
                ARRAY(SELECT email FROM ticket_participants p WHERE p.ticket_id = t.id ORDER BY 1) AS participants
           FROM tickets t WHERE t.tenant = $1 ORDER BY t.number`,
        [tenant],
      ),
    token: async (tenant, ticketId, recipient, lifetime = '1 day') => {
      const token = makeReplyToken();
      await world.query(
        `INSERT INTO email_reply_tokens (tenant, token_hash, ticket_id, recipient_email, expires_at)
         VALUES ($1, $2, $3, $4, now() + CAST($5 AS interval))`,
        [tenant, hashReplyToken(token), ticketId, recipient, lifetime],
      );
      return token;
    },
    sent: async (tenant, ticketId, messageId) => {
      await world.query(
        `INSERT INTO ticket_message_ids (tenant, id_hash, ticket_id, kind) VALUES ($1, $2, $3, 'sent')`,
        [tenant, messageIdHash(messageId), ticketId],
      );
    },
    defaults: async ({ tenant, providerId }, columns) => {
      const names = Object.keys(columns);
      await world.query(
        `INSERT INTO ticket_defaults (tenant, id, provider_id, ${names.join(', ')})
         VALUES ($1, $2, $3, ${names.map((_, index) => `$${index + 4}`).join(', ')})`,
        [tenant, randomUUID(), providerId, ...Object.values(columns)],
      );
    },
  };
}
