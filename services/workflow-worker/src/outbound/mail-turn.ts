/**
 * One turn of one mail, from its job to what becomes of it.
 *
 *   claim (database) ─▶ connect, log in ─▶ still ours? ─▶ send ─▶ taken: remembered in Redis, then `sent` in the database
 *     │ settled, or later                                   └▶ refused: again later, or `failed`
 *
 * Never sent twice, with one exception that SMTP itself has: when nobody knows whether the server took the mail (the connection ended after
 * the last byte, or the process died there), it is sent again under the same Message-ID. A process that was stopped beyond its lease
 * does not begin to send: it looks at its own clock right before.
 */
import { randomUUID } from 'node:crypto';
import { backoffMs, type Clock } from '@mailstream/shared/domain/time';
import { FaultError, toFault } from '@mailstream/shared/errors/fault-error';
import { makeReplyToken } from '@mailstream/shared/mail/reply-token-secret';
import { SmtpError } from '@mailstream/shared/mail/smtp-session';
import type { SmtpFailure } from '@mailstream/shared/mail/smtp-faults';
import type { Logger } from '@mailstream/shared/runtime/logger';
import type { Metrics } from '@mailstream/shared/runtime/metrics';
import { pause } from '@mailstream/shared/runtime/system-clock';
import type { ClaimedMail, JobMemory, MailCarrier, OutboundRef, Outbox, Turn } from './ports.ts';

export interface MailTurnOptions {
  readonly outbox: Outbox;
  readonly carrier: MailCarrier;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'outboundSent' | 'outboundFaults' | 'outboundSeconds'>;
  /** Attempts before a mail counts as failed. */
  readonly maxAttempts: number;
  /** Delay after the first failed attempt, milliseconds; it doubles up to an hour. */
  readonly retryBaseMs: number;
  /** How long a claimed mail is nobody else's, milliseconds. */
  readonly leaseMs: number;
  /** Ends waiting, not what is under way. */
  readonly stopping: AbortSignal;
}

const RETRY_CAP_MS = 3_600_000;
const RETRY_JITTER = 0.2;
/** Of the lease: handing over the mail itself must fit into the rest. */
const BEGIN_WITHIN = 0.5;
const DATABASE_RETRY_MS = 500;

export function createMailTurn(
  options: MailTurnOptions,
): (ref: OutboundRef, memory: JobMemory) => Promise<Turn> {
  const { outbox, carrier, clock, log, metrics, maxAttempts, retryBaseMs, leaseMs, stopping } = options;

  /** What the server has said must not be lost to a database that is away: it would be sent again. */
  const untilWritten = async <T>(write: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        const isPassing = error instanceof FaultError && error.fault.kind === 'transient';
        if (!isPassing || stopping.aborted) throw error;
        await pause(clock, DATABASE_RETRY_MS, stopping);
      }
    }
  };

  const taken = async (claimed: ClaimedMail, memory: JobMemory): Promise<Turn> => {
    const { kind } = claimed.mail;
    await memory
      .rememberTaken(claimed.claimId)
      .catch((error: unknown) => log.debug('redis could not be told of a sent mail', { error }));
    await untilWritten(() => outbox.sent(claimed));
    metrics.outboundSent.inc({ kind, result: 'sent' });
    metrics.outboundSeconds.observe({ kind }, claimed.ageSeconds);
    return { kind: 'done' };
  };

  const refused = async (claimed: ClaimedMail, { fault, isPermanent }: SmtpFailure): Promise<Turn> => {
    const isLast = isPermanent || claimed.attempts >= maxAttempts;
    const backoff = { baseMs: retryBaseMs, capMs: RETRY_CAP_MS, jitter: RETRY_JITTER };
    const delayMs = isLast ? null : backoffMs(backoff, claimed.attempts, Math.random());
    await untilWritten(() => outbox.failed(claimed, fault, delayMs));
    metrics.outboundSent.inc({ kind: claimed.mail.kind, result: isLast ? 'failed' : 'retry' });
    metrics.outboundFaults.inc({ code: fault.code });
    log[isLast ? 'error' : 'warn']('mail was not sent', {
      tenantId: claimed.tenant,
      providerId: claimed.providerId,
      code: fault.code,
      detail: fault.detail,
      attempt: claimed.attempts,
    });
    return delayMs === null
      ? { kind: 'failed', code: fault.code }
      : { kind: 'retry', code: fault.code, delayMs };
  };

  return async (ref, memory) => {
    if (memory.takenClaimId !== null) await outbox.settleTaken(ref, memory.takenClaimId);
    const began = clock.monotonicMs();
    const claim = await outbox.claim(ref, { claimId: randomUUID(), leaseMs, replyToken: makeReplyToken() });
    if (claim.kind === 'settled') return { kind: 'done' };
    if (claim.kind === 'later') return claim;
    const { claimed } = claim;
    const mayStillSend = (): boolean => clock.monotonicMs() < began + leaseMs * BEGIN_WITHIN;
    // A server that never ends must not keep the mail beyond its lease.
    const deadline = new AbortController();
    const cancel = clock.schedule(leaseMs - DATABASE_RETRY_MS, () => deadline.abort());
    try {
      await carrier.carry(claimed, mayStillSend, deadline.signal);
    } catch (error) {
      return await refused(claimed, failureOf(error));
    } finally {
      cancel();
    }
    return await taken(claimed, memory);
  };
}

function failureOf(error: unknown): SmtpFailure {
  if (error instanceof SmtpError) return error.failure;
  const fault = toFault(error);
  return { fault, isPermanent: fault.code === 'SMTP_MESSAGE_INVALID' };
}
