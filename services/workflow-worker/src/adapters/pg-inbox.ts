/**
 * The effect of an event and its gate, in one transaction of the event's tenant: four round trips, BEGIN and COMMIT included.
 *
 *     BEGIN, tenant ── look up ──▶ decide ── record ──▶ COMMIT
 *                        │ another transaction works on this conversation: wait for it and look up again
 *                        │ the rules are not those that the mail was judged by: end, read them, begin again
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
import { leftOutBy, skipReason } from '../core/rule-verdict.ts';
import type {
  EffectOutcome,
  Inbox,
  InboundEmail,
  MailRules,
  ReturnedMails,
  RuleJudgement,
} from '../ports.ts';
import { splitReply } from '../split-reply.ts';
import { conversationHashes, lockConversation, lookUp, type InboxTransaction } from './pg-inbox-lookup.ts';
import { acknowledge, mayBelieve, noteBounce } from './pg-inbox-outbound.ts';
import { record, recordSkipped, settleLedger } from './pg-inbox-record.ts';

/** Deadlock, serialization failure, lock not available: the same transaction works when it is run again. */
const RUN_AGAIN = new Set(['40P01', '40001', '55P03']);
const RUNS = 3;
/** Missing table or column: the schema is older than the program. Waiting for the migration, no message is to blame. */
const SCHEMA_MISSING = new Set(['42P01', '42703']);

/** The ticket was closed, merged or reopened, or the conversation got one, while the mail was placed. */
class ConversationChangedError extends Error {
  override readonly name = 'ConversationChangedError';
}

/** Rules that change faster than they can be read do not keep a mail waiting: then those that were read last count. */
const REFRESHES = 3;

export function createPgInbox(
  database: Database,
  { rules, returnedMails }: { readonly rules: MailRules; readonly returnedMails: ReturnedMails },
): Inbox {
  const statements = createPreparedStatements();
  return {
    apply: async (message, { waitForParents }) => {
      // Reading and judging may take their time, and do so before anything is locked.
      const returned = await returnedMails.headerFor(message.tenant, message.email);
      if (returned.kind === 'unreadable' && waitForParents) return { kind: 'originalUnreadable' };
      const reading = read(message, returned.kind === 'header' ? returned.text : null);
      let judgement = await rules.judge(message.tenant, message.email);
      let refreshes = 0;
      for (let run = 1; ;) {
        try {
          const work = { message, reading, judgement, waitForParents, isLast: refreshes === REFRESHES };
          const outcome = await database.withTenant(
            message.tenant,
            (trx, link) => apply({ trx, link, statements }, work),
            { keepsPlans: true },
          );
          if (outcome.kind !== 'rulesChanged') return outcome;
        } catch (error) {
          const state = sqlState(error) ?? '';
          if (SCHEMA_MISSING.has(state)) throw unavailable('the database has not been migrated', error);
          const passes =
            RUN_AGAIN.has(state) || error instanceof ConversationChangedError || statements.isRefusal(error);
          if (run >= RUNS || !passes) throw error;
          run += 1;
          continue;
        }
        refreshes += 1;
        await rules.refresh(message.tenant);
        judgement = await rules.judge(message.tenant, message.email);
      }
    },
    ping: () => database.ping(),
  };
}

interface Work {
  readonly message: InboundEmail;
  readonly reading: Reading;
  readonly judgement: RuleJudgement;
  readonly waitForParents: boolean;
  /** Goes on with rules that have changed since. */
  readonly isLast: boolean;
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
  { message, reading, judgement, waitForParents, isLast }: Work,
): Promise<EffectOutcome | { readonly kind: 'rulesChanged' }> {
  const { trx } = inbox;
  const { mail, reply } = reading;
  const { verdict } = judgement;
  let known = await lookUp(inbox, message, mail, verdict);
  if (!known.isAlone) {
    // What was looked up is older than what the other one does: only what is seen under the lock counts.
    await lockConversation(trx, message, mail);
    known = await lookUp(inbox, message, mail, verdict);
  }
  if (known.isProcessed) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  if (!known.hasProvider)
    return { kind: 'rejected', code: 'PROVIDER_UNKNOWN', detail: 'the tenant has no such mailbox' };
  if (known.rulesVersion !== judgement.version && !isLast) return { kind: 'rulesChanged' };

  const assessment = assess(message.email, known, organisationalDomain);
  const effect = planEffect(mail, reply, assessment, { ...known, verdict }, randomUUID);
  if (effect.ticket !== null && waitForParents && known.isParentPending) return { kind: 'parentPending' };

  const conversation = { hashes: conversationHashes(mail), mentions: known.mentions };
  const rule = leftOutBy(verdict, {
    opensTicket: effect.ticket !== null,
    isAutomated: assessment.automatedKind !== null,
    isBounce: assessment.isBounce,
  });
  const recorded =
    rule === null
      ? await record(inbox, message, effect, conversation, verdict.matched)
      : await recordSkipped(
          trx,
          message,
          { messageId: mail.messageId, reason: skipReason(rule) },
          conversation,
          verdict.matched,
        );
  if (!recorded.isGated) {
    await settleLedger(trx, message);
    return { kind: 'duplicate' };
  }
  if (!recorded.isPlaced) throw new ConversationChangedError();
  if (rule === null && recorded.number !== null && known.acknowledges && effect.comment.isAnswerable) {
    const isBelieved = mayBelieve(assessment, known.defaults?.requireVerifiedSender ?? false);
    await acknowledge(trx, message, effect, recorded.number, isBelieved);
  }
  if (mail.bouncedIds.length > 0) await noteBounce(trx, message, mail.bouncedIds, mail.isBounceFinal);
  if (rule !== null) return { kind: 'skipped', ruleId: rule.id };
  return recorded.number === null
    ? { kind: 'comment', ticketId: effect.ticketId }
    : { kind: 'ticket', ticketId: effect.ticketId, number: recorded.number };
}
