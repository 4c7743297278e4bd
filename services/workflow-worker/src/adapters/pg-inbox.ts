/**
 * The effect of an event and its gate, in one transaction of the event's tenant: four round trips, BEGIN and COMMIT included.
 *
 *     BEGIN, tenant ── look up ──▶ decide ── record ──▶ COMMIT
 *                        │ another transaction works on this conversation: wait for it and look up again
 *
 * The gate row (unique by tenant and event) is written before anything else is changed: a second transaction for the same event waits
 * there for the first and then finds that there is nothing to do. Whatever goes wrong undoes gate and effect together.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '@mailstream/shared/db/database';
import { sqlState, unavailable } from '@mailstream/shared/db/database-faults';
import { createPreparedStatements } from '@mailstream/shared/db/prepared-statements';
import { assess } from '../core/assessment.ts';
import { planEffect, type Reply } from '../core/effect.ts';
import { readMail, storable, type IncomingMail } from '../core/incoming-mail.ts';
import { organisationalDomain } from '../organisational-domain.ts';
import type { EffectOutcome, Inbox, InboundEmail, ReturnedMails } from '../ports.ts';
import { splitReply } from '../split-reply.ts';
import { conversationHashes, lockConversation, lookUp, type InboxTransaction } from './pg-inbox-lookup.ts';
import { acknowledge, mayBelieve, noteBounce } from './pg-inbox-outbound.ts';
import { record, settleLedger } from './pg-inbox-record.ts';

/** Deadlock, serialization failure, lock not available: the same transaction works when it is run again. */
const RUN_AGAIN = new Set(['40P01', '40001', '55P03']);
const RUNS = 3;
/** Missing table or column: the schema is older than the program. Waiting for the migration, no message is to blame. */
const SCHEMA_MISSING = new Set(['42P01', '42703']);

/** The ticket was closed, merged or reopened, or the conversation got one, while the mail was placed. */
class ConversationChangedError extends Error {
  override readonly name = 'ConversationChangedError';
}

export function createPgInbox(database: Database, returnedMails: ReturnedMails): Inbox {
  const statements = createPreparedStatements();
  return {
    apply: async (message, { waitForParents }) => {
      // Reading may take its time, and does so before anything is locked.
      const returned = await returnedMails.headerFor(message.tenant, message.email);
      if (returned.kind === 'unreadable' && waitForParents) return { kind: 'originalUnreadable' };
      const reading = read(message, returned.kind === 'header' ? returned.text : null);
      for (let run = 1; ; run += 1) {
        try {
          return await database.withTenant(
            message.tenant,
            (trx, link) => apply({ trx, link, statements }, message, reading, waitForParents),
            { keepsPlans: true },
          );
        } catch (error) {
          const state = sqlState(error) ?? '';
          if (SCHEMA_MISSING.has(state)) throw unavailable('the database has not been migrated', error);
          const passes =
            RUN_AGAIN.has(state) || error instanceof ConversationChangedError || statements.isRefusal(error);
          if (run >= RUNS || !passes) throw error;
        }
      }
    },
    ping: () => database.ping(),
  };
}

interface Reading {
  readonly mail: IncomingMail;
  readonly reply: Reply;
}

function read({ email }: InboundEmail, returnedHeader: string | null): Reading {
  const { text, html, quotedText } = splitReply(email);
  return {
    mail: readMail(email, returnedHeader),
    reply: {
      text: storable(text),
      html: html === null ? null : storable(html),
      quotedText: storable(quotedText),
    },
  };
}

async function apply(
  inbox: InboxTransaction,
  message: InboundEmail,
  { mail, reply }: Reading,
  waitForParents: boolean,
): Promise<EffectOutcome> {
  const { trx } = inbox;
  let known = await lookUp(inbox, message, mail);
  if (!known.isAlone) {
    // What was looked up is older than what the other one does: only what is seen under the lock counts.
    await lockConversation(trx, message, mail);
    known = await lookUp(inbox, message, mail);
  }
  if (known.isProcessed) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  if (!known.hasProvider)
    return { kind: 'rejected', code: 'PROVIDER_UNKNOWN', detail: 'the tenant has no such mailbox' };

  const assessment = assess(message.email, known, organisationalDomain);
  const effect = planEffect(mail, reply, assessment, known, randomUUID);
  if (effect.ticket !== null && waitForParents && known.isParentPending) return { kind: 'parentPending' };

  const recorded = await record(inbox, message, effect, {
    hashes: conversationHashes(mail),
    mentions: known.mentions,
  });
  if (!recorded.isGated) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  if (!recorded.isPlaced) throw new ConversationChangedError();
  if (recorded.number !== null && known.acknowledges && effect.comment.isAnswerable) {
    const isBelieved = mayBelieve(assessment, known.defaults?.requireVerifiedSender ?? false);
    await acknowledge(trx, message, effect, recorded.number, isBelieved);
  }
  if (mail.bouncedIds.length > 0) await noteBounce(trx, message, mail.bouncedIds, mail.isBounceFinal);
  return recorded.number === null
    ? { kind: 'comment', ticketId: effect.ticketId }
    : { kind: 'ticket', ticketId: effect.ticketId, number: recorded.number };
}
