/**
 * Where a mail belongs. Pure.
 *
 *     evidence in the mail          who may use it                                        else
 *     ────────────────────────────  ────────────────────────────────────────────────────  ──────────────────────────────────
 *     reply token, not expired      whoever it was made for, and participants             no evidence
 *     In-Reply-To, References       participants whose From is credible; verified agents  new ticket, "may belong to"
 *     [#123] in the subject         the same                                              new ticket, "may belong to"
 *     report of a failed delivery   anybody, but only about a mail that we sent           new ticket
 *
 * From is credible when the mailbox's own server verified it, or when that server says nothing at all and the tenant did not ask for
 * more. Where the server does write its results, a mail without a passing one is not credible. Whatever is not admitted is a ticket of
 * its own: nothing is dropped, and the other ticket shows nothing to whoever wrote.
 */

export type SenderCheck = 'verified' | 'failed' | 'unknown';
export type TicketStatus = 'open' | 'pending' | 'closed' | 'needs_attention';
export type Evidence = 'token' | 'reference' | 'subject' | 'bounce';
export type AuthorKind = 'contact' | 'agent' | 'automated' | 'unknown';
export type AttentionReason =
  'sender_missing' | 'sender_unverified' | 'possible_reply' | 'client_unknown' | 'bounce' | 'message_flood';

/** A ticket that something in the mail points to. */
export interface Candidate {
  readonly ticketId: string;
  readonly status: TicketStatus;
  readonly evidence: Evidence;
  /** The sender takes part in the ticket, or the token was made for this address. */
  readonly isSendersOwn: boolean;
  /** It was closed longer ago than a reply may reopen it. */
  readonly isClosedForGood: boolean;
  /** It got as many messages within the hour as it may. */
  readonly isFlooded: boolean;
}

export interface Writer {
  /** Lower case; empty where the mail names no usable address. */
  readonly email: string;
  readonly check: SenderCheck;
  readonly isAutomated: boolean;
  /** An automatic reply or a mail of our own: nobody has to do anything about it. */
  readonly isForRecordOnly: boolean;
  /** Reports that a mail of ours could not be delivered (yet). */
  readonly isBounce: boolean;
  readonly wantsNoAnswer: boolean;
  /** From is the address of a user of the tenant; proves nothing by itself. */
  readonly isUser: boolean;
}

export interface TrustPolicy {
  /** The mailbox's own server writes Authentication-Results. */
  readonly serverVerifies: boolean;
  readonly requireVerifiedSender: boolean;
}

export type Placement =
  | {
      readonly kind: 'comment';
      readonly ticketId: string;
      readonly seenStatus: TicketStatus;
      readonly status: TicketStatus;
      readonly evidence: Evidence;
      readonly attention: readonly AttentionReason[];
      readonly isAnswerable: boolean;
    }
  | {
      readonly kind: 'ticket';
      readonly link: { readonly ticketId: string; readonly kind: 'follows' | 'may_belong_to' } | null;
      readonly attention: readonly AttentionReason[];
      /** False for what only has to be on record. */
      readonly isWork: boolean;
      readonly isAnswerable: boolean;
    };

/** @param candidates strongest first */
export function place(writer: Writer, candidates: readonly Candidate[], policy: TrustPolicy): Placement {
  const admitted = candidates.find((candidate) => mayEnter(writer, candidate, policy));
  if (admitted === undefined) return newTicket(writer, candidates[0] ?? null);
  if (admitted.isClosedForGood && !writer.isAutomated)
    return { ...newTicket(writer, null), link: { ticketId: admitted.ticketId, kind: 'follows' } };
  const isHeldBack = writer.isAutomated || admitted.isFlooded;
  return {
    kind: 'comment',
    ticketId: admitted.ticketId,
    seenStatus: admitted.status,
    status: isHeldBack || authorKind(writer) === 'agent' ? admitted.status : awake(admitted.status),
    evidence: admitted.evidence,
    attention: [
      ...(admitted.isFlooded ? (['message_flood'] as const) : []),
      ...(writer.isBounce ? (['bounce'] as const) : []),
      ...(writer.check === 'failed' && !writer.isAutomated ? (['sender_unverified'] as const) : []),
    ],
    isAnswerable: !isHeldBack && isAnswerable(writer),
  };
}

/** Never more than the mail proves: a user's address in From makes an agent only of somebody who was verified. */
export function authorKind({ email, check, isAutomated, isUser }: Writer): AuthorKind {
  if (isAutomated) return 'automated';
  if (email === '' || check === 'failed') return 'unknown';
  if (!isUser) return 'contact';
  return check === 'verified' ? 'agent' : 'unknown';
}

function mayEnter(writer: Writer, { evidence, isSendersOwn }: Candidate, policy: TrustPolicy): boolean {
  if (evidence === 'bounce') return true;
  if (evidence === 'token') return isSendersOwn;
  if (authorKind(writer) === 'agent') return true;
  return isSendersOwn && isCredible(writer.check, policy);
}

function isCredible(check: SenderCheck, { serverVerifies, requireVerifiedSender }: TrustPolicy): boolean {
  return check === 'verified' || (check === 'unknown' && !serverVerifies && !requireVerifiedSender);
}

function newTicket(writer: Writer, stranger: Candidate | null): Placement & { readonly kind: 'ticket' } {
  const claimsTooMuch =
    writer.check === 'failed' ||
    (writer.isUser && writer.check !== 'verified') ||
    (stranger !== null && stranger.isSendersOwn && stranger.evidence !== 'token');
  return {
    kind: 'ticket',
    link: stranger === null ? null : { ticketId: stranger.ticketId, kind: 'may_belong_to' },
    attention: [
      ...(writer.email === '' && !writer.isAutomated ? (['sender_missing'] as const) : []),
      ...(claimsTooMuch && !writer.isAutomated ? (['sender_unverified'] as const) : []),
      ...(stranger !== null && !writer.isAutomated ? (['possible_reply'] as const) : []),
      ...(writer.isBounce ? (['bounce'] as const) : []),
    ],
    isWork: !writer.isForRecordOnly,
    isAnswerable: isAnswerable(writer),
  };
}

function isAnswerable(writer: Writer): boolean {
  const { isAutomated, wantsNoAnswer, email, check, isUser } = writer;
  return !isAutomated && !wantsNoAnswer && email !== '' && check !== 'failed' && !isUser;
}

/** A customer who writes again is waiting again. */
function awake(status: TicketStatus): TicketStatus {
  return status === 'needs_attention' ? status : 'open';
}
