/**
 * What can go wrong while a mail is handed over, in one table. The question that decides is whether trying again can help:
 *
 *   before the server answered to the mail itself   the connection, TLS, the login: passes, or a person mends it. Try again.
 *   4xx to MAIL, RCPT or DATA                       the server asks us to try again (RFC 5321 section 4.2.1).
 *   5xx to MAIL, RCPT or DATA                       it never will. Failed at once.
 *   no answer after the last byte of the mail       nobody knows (section 4.5.3.2.6 calls it unavoidable). Try again under the same
 *                                                   Message-ID: a receiver that has the mail already knows it again.
 */
import type { Fault } from '../domain/fault.ts';
import { FaultError } from '../errors/fault-error.ts';
import { imapFault } from '../imap/imap-faults.ts';

export interface SmtpFailure {
  /** Trying again cannot help. */
  readonly isPermanent: boolean;
  readonly fault: Fault;
}

/** How far the exchange had come. */
export type SmtpStage = 'connecting' | 'loggingIn' | 'envelope' | 'message' | 'messageSent';

/** The fields of nodemailer's errors that tell something. */
interface SmtpErrorFacts {
  readonly code: string;
  readonly originalCode: string;
  /** 0 where the server said nothing. */
  readonly reply: number;
  /** RFC 3463, as `5.1.1`; empty where it said none. */
  readonly enhanced: string;
  readonly command: string;
  readonly message: string;
}

export function smtpFailure(error: unknown, stage: SmtpStage): SmtpFailure {
  if (error instanceof FaultError) return { isPermanent: false, fault: error.fault };
  const facts = factsOf(error);
  const { reply } = facts;
  if (reply >= 400 && (stage === 'envelope' || stage === 'message' || stage === 'messageSent'))
    return refusedMail(facts);
  if (stage === 'messageSent')
    return passing('SMTP_OUTCOME_UNKNOWN', 'the connection ended before the server took or refused the mail');
  if (facts.code === 'EAUTH' || stage === 'loggingIn') return refusedLogin(facts);
  if (facts.code === 'EMESSAGE' || facts.code === 'EENVELOPE')
    return permanent(
      'SMTP_MESSAGE_REFUSED',
      'the mail is larger than the server takes, or its addresses are none',
    );
  return connecting(facts);
}

function refusedMail({ reply, enhanced, command }: SmtpErrorFacts): SmtpFailure {
  const detail = `the server answered ${said(reply, enhanced)} to ${command === '' ? 'the mail' : command}`;
  if (reply < 500) return passing('SMTP_TEMPORARY', detail);
  // 5.7.0 and 530: it wants a login first. That is the settings' fault, not the mail's.
  if (reply === 530)
    return { isPermanent: false, fault: { kind: 'auth', code: 'SMTP_AUTH_REJECTED', detail } };
  return permanent(command === 'RCPT TO' ? 'SMTP_RECIPIENT_REFUSED' : 'SMTP_MESSAGE_REFUSED', detail);
}

function refusedLogin(facts: SmtpErrorFacts): SmtpFailure {
  const { reply, enhanced } = facts;
  if (reply >= 400 && reply < 500)
    return passing('SMTP_TEMPORARY', `the server answered ${said(reply, enhanced)} to the login`);
  if (reply === 0 && facts.code !== 'EAUTH') return connecting(facts);
  return {
    isPermanent: false,
    fault: {
      kind: 'auth',
      code: 'SMTP_AUTH_REJECTED',
      detail: `the login was refused (${said(reply, enhanced)})`,
    },
  };
}

function connecting({ code, originalCode, reply, enhanced, message }: SmtpErrorFacts): SmtpFailure {
  const tls = imapFault({ code: originalCode === '' ? code : originalCode, message }, 'connecting');
  if (tls.code.startsWith('TLS_')) return { isPermanent: false, fault: tls };
  if (code === 'ETLS')
    return {
      isPermanent: false,
      fault: { kind: 'misconfigured', code: 'TLS_REQUIRED', detail: 'the server offers no encryption' },
    };
  if (code === 'ETIMEDOUT') return passing('SMTP_TIMEOUT', 'the server did not answer in time');
  if (reply >= 400)
    return passing('SMTP_TEMPORARY', `the server answered ${said(reply, enhanced)} to the connection`);
  if (code === 'EPROTOCOL')
    return {
      isPermanent: false,
      fault: { kind: 'misconfigured', code: 'SMTP_NOT_SMTP', detail: 'the answer is not SMTP' },
    };
  return passing('SMTP_UNREACHABLE', `the connection failed (${originalCode || code || 'closed'})`);
}

function factsOf(error: unknown): SmtpErrorFacts {
  const raw = (typeof error === 'object' && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const text = (name: string): string => (typeof raw[name] === 'string' ? raw[name] : '');
  const reply = typeof raw['responseCode'] === 'number' ? raw['responseCode'] : 0;
  return {
    code: text('code'),
    originalCode: text('originalCode'),
    reply,
    enhanced: /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(text('response'))?.[1] ?? '',
    command: /^(?:MAIL FROM|RCPT TO|DATA|AUTH [A-Z0-9-]{1,20})/.exec(text('command'))?.[0] ?? '',
    message: text('message'),
  };
}

/** Numbers only: the server's words may quote an address. */
function said(reply: number, enhanced: string): string {
  return [reply === 0 ? 'nothing' : String(reply), enhanced].filter((word) => word !== '').join(' ');
}

function passing(code: string, detail: string): SmtpFailure {
  return { isPermanent: false, fault: { kind: 'transient', code, detail } };
}

function permanent(code: string, detail: string): SmtpFailure {
  return { isPermanent: true, fault: { kind: 'misconfigured', code, detail } };
}
