/** What sending needs from the world: types only. Unless a method says otherwise it rejects with a `FaultError`. */
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import type { Fault } from '@mailstream/shared/domain/fault';
import type { SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type { OutgoingMail } from '../core/outgoing-mail.ts';

export interface OutboundRef {
  readonly tenant: TenantId;
  readonly id: string;
}

export type Priority = 'urgent' | 'high' | 'normal' | 'low';

/** A mail that has no job in Redis, as far as the database knows. */
export interface DueMail extends OutboundRef {
  readonly priority: Priority;
  /** Until its next attempt may begin. */
  readonly delayMs: number;
}

export interface StoredFile {
  readonly name: string;
  readonly contentType: string;
  readonly storageKey: string;
  readonly size: number;
}

/** A mail that is ours to send, until the lease ends. */
export interface ClaimedMail extends OutboundRef {
  readonly claimId: string;
  readonly providerId: ProviderId;
  /** This one included. */
  readonly attempts: number;
  /** Seconds since it was queued. */
  readonly ageSeconds: number;
  readonly mail: OutgoingMail;
  readonly attachments: readonly StoredFile[];
  readonly settings: SmtpSettings;
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claimed: ClaimedMail }
  /** Sent, failed or gone: there is nothing to do. */
  | { readonly kind: 'settled' }
  /** Not its time, somebody else has it, or its mailbox sends enough just now. */
  | { readonly kind: 'later'; readonly delayMs: number };

/** The database's side of sending. */
export interface Outbox {
  /** Over all tenants: never put into Redis, or so long ago that Redis may have lost it. */
  due(options: { readonly limit: number; readonly relayAgainMs: number }): Promise<readonly DueMail[]>;
  relayed(mails: readonly OutboundRef[]): Promise<void>;
  /**
   * Makes the mail ours and counts the attempt. A mail of somebody whose lease has ended is taken over.
   * @param options.replyToken stored (its hash) for the recipient, in the same transaction
   */
  claim(
    ref: OutboundRef,
    options: { readonly claimId: string; readonly leaseMs: number; readonly replyToken: string },
  ): Promise<ClaimResult>;
  /** @returns false when it is no longer ours. */
  sent(claimed: Pick<ClaimedMail, 'tenant' | 'id' | 'claimId'>): Promise<boolean>;
  /**
   * @param retryInMs null for good: the ticket then needs attention
   * @returns false when it is no longer ours.
   */
  failed(
    claimed: Pick<ClaimedMail, 'tenant' | 'id' | 'claimId'>,
    fault: Fault,
    retryInMs: number | null,
  ): Promise<boolean>;
  /** The server had taken it when its sender died, as Redis remembers. */
  settleTaken(ref: OutboundRef, claimId: string): Promise<void>;
  countWaiting(): Promise<number>;
}

/** The queue in Redis: a copy of what the database holds, in order of priority and time. */
export interface MailQueue {
  /** Adds what has no job yet; the same mail twice is one job. */
  add(mails: readonly DueMail[]): Promise<void>;
}

/** What happened to one job. */
export type Turn =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly code: string }
  | { readonly kind: 'failed'; readonly code: string };

/** What Redis remembers of a job while PostgreSQL may be away. */
export interface JobMemory {
  /** Of the attempt whose mail the server took. */
  readonly takenClaimId: string | null;
  rememberTaken(claimId: string): Promise<void>;
}

export interface MailCarrier {
  /**
   * Puts the mail together and hands it to its server. Resolves when the server has taken it.
   * @param mayStillSend asked right before the mail itself is sent
   * @throws SmtpError, FaultError
   */
  carry(claimed: ClaimedMail, mayStillSend: () => boolean, signal: AbortSignal): Promise<void>;
}
