import { describe, expect, it } from 'vitest';
import { FaultError } from '../errors/fault-error.ts';
import { isErrorCode } from '../errors/catalogue.ts';
import { smtpFailure, type SmtpStage } from './smtp-faults.ts';

const reply = (responseCode: number, command: string, code = 'EENVELOPE'): object => ({
  code,
  command,
  responseCode,
  response: `${responseCode} ${Math.floor(responseCode / 100)}.1.1 jane@example.org is not here`,
});

const ROWS: readonly (readonly [
  what: string,
  error: object,
  stage: SmtpStage,
  code: string,
  isPermanent: boolean,
])[] = [
  [
    'no address',
    { code: 'ECONNECTION', originalCode: 'ECONNREFUSED' },
    'connecting',
    'SMTP_UNREACHABLE',
    false,
  ],
  ['no answer', { code: 'ETIMEDOUT' }, 'connecting', 'SMTP_TIMEOUT', false],
  ['another protocol', { code: 'EPROTOCOL' }, 'connecting', 'SMTP_NOT_SMTP', false],
  ['no STARTTLS', { code: 'ETLS' }, 'connecting', 'TLS_REQUIRED', false],
  [
    'an old certificate',
    { code: 'ETLS', originalCode: 'CERT_HAS_EXPIRED' },
    'connecting',
    'TLS_CERT_EXPIRED',
    false,
  ],
  ['a busy greeting', { code: 'EPROTOCOL', responseCode: 421 }, 'connecting', 'SMTP_TEMPORARY', false],
  ['a wrong password', reply(535, 'AUTH PLAIN', 'EAUTH'), 'loggingIn', 'SMTP_AUTH_REJECTED', false],
  [
    'a login that cannot be checked now',
    reply(454, 'AUTH PLAIN', 'EAUTH'),
    'loggingIn',
    'SMTP_TEMPORARY',
    false,
  ],
  ['a cut during the login', { code: 'ECONNECTION' }, 'loggingIn', 'SMTP_UNREACHABLE', false],
  ['a login that is wanted', reply(530, 'MAIL FROM'), 'envelope', 'SMTP_AUTH_REJECTED', false],
  ['greylisting', reply(451, 'RCPT TO'), 'envelope', 'SMTP_TEMPORARY', false],
  ['an unknown recipient', reply(550, 'RCPT TO'), 'envelope', 'SMTP_RECIPIENT_REFUSED', true],
  ['a refused sender', reply(553, 'MAIL FROM'), 'envelope', 'SMTP_MESSAGE_REFUSED', true],
  [
    'a mail that is too large',
    { code: 'EMESSAGE', command: 'MAIL FROM' },
    'envelope',
    'SMTP_MESSAGE_REFUSED',
    true,
  ],
  ['a refused mail', reply(554, 'DATA', 'EMESSAGE'), 'messageSent', 'SMTP_MESSAGE_REFUSED', true],
  ['a full disk', reply(452, 'DATA', 'EMESSAGE'), 'messageSent', 'SMTP_TEMPORARY', false],
  ['a cut before the mail', { code: 'ECONNECTION' }, 'envelope', 'SMTP_UNREACHABLE', false],
  ['a cut within the mail', { code: 'ECONNECTION' }, 'message', 'SMTP_UNREACHABLE', false],
  ['a cut after the mail', { code: 'ECONNECTION' }, 'messageSent', 'SMTP_OUTCOME_UNKNOWN', false],
  ['silence after the mail', { code: 'ETIMEDOUT' }, 'messageSent', 'SMTP_OUTCOME_UNKNOWN', false],
];

describe('sending', () => {
  it.each(ROWS)('%s', (_what, error, stage, code, isPermanent) => {
    const failure = smtpFailure(Object.assign(new Error('jane@example.org'), error), stage);
    expect({ code: failure.fault.code, isPermanent: failure.isPermanent }).toEqual({ code, isPermanent });
    expect(isErrorCode(failure.fault.code)).toBe(true);
    expect(failure.fault.detail).not.toContain('jane');
  });

  it('keeps a fault that was told before, and takes anything', () => {
    const fault = { kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail: 'no' } as const;
    expect(smtpFailure(new FaultError(fault), 'connecting')).toEqual({ isPermanent: false, fault });
    for (const odd of [null, undefined, 'x', 1, {}])
      expect(smtpFailure(odd, 'envelope').isPermanent).toBe(false);
  });
});
