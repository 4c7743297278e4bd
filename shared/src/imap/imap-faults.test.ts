import { describe, expect, test } from 'vitest';
import { isErrorCode } from '../errors/catalogue.ts';
import { FaultError } from '../errors/fault-error.ts';
import { IMAP_FAULT_TABLE, type ImapPhase } from './imap-fault-table.ts';
import { closedFault, imapFault, imapFaultError } from './imap-faults.ts';

/** As imapflow throws it: a failed login is always marked as refused, whatever happened. */
function login(fields: object): object {
  return Object.assign(new Error('Command failed'), { authenticationFailed: true }, fields);
}
const no = (responseText: string, serverResponseCode?: string): object =>
  login({
    responseStatus: 'NO',
    responseText,
    ...(serverResponseCode === undefined ? {} : { serverResponseCode }),
  });
const bad = (responseText: string): object => login({ responseStatus: 'BAD', responseText });

type Row = [
  what: string,
  phase: ImapPhase,
  error: unknown,
  kind: string,
  code: string,
  retryAfterMs?: number,
];

const ROWS: Row[] = [
  // The network
  ['connection refused', 'connecting', { code: 'ECONNREFUSED' }, 'transient', 'IMAP_UNREACHABLE'],
  ['no route', 'connecting', { code: 'EHOSTUNREACH' }, 'transient', 'IMAP_UNREACHABLE'],
  ['no sockets left here', 'connecting', { code: 'EMFILE' }, 'transient', 'IMAP_UNREACHABLE'],
  ['unknown name', 'connecting', { code: 'ENOTFOUND' }, 'transient', 'IMAP_DNS_NOT_FOUND'],
  ['name server down', 'connecting', { code: 'EAI_AGAIN' }, 'transient', 'IMAP_DNS_NOT_FOUND'],
  ['TCP timeout', 'connecting', { code: 'ETIMEDOUT' }, 'transient', 'IMAP_TIMEOUT'],
  ['connect timeout', 'connecting', { code: 'CONNECT_TIMEOUT' }, 'transient', 'IMAP_TIMEOUT'],
  [
    'STARTTLS timeout',
    'connecting',
    { code: 'UPGRADE_TIMEOUT', tlsFailed: true },
    'transient',
    'IMAP_TIMEOUT',
  ],
  [
    'no greeting over TLS',
    'connecting',
    { code: 'GREETING_TIMEOUT', message: 'too late' },
    'transient',
    'IMAP_TIMEOUT',
  ],
  [
    'no greeting in clear',
    'connecting',
    { code: 'GREETING_TIMEOUT', message: 'late. Maybe should use TLS?' },
    'transient',
    'IMAP_NOT_IMAP',
  ],
  [
    'closed before the greeting',
    'connecting',
    { code: 'ClosedAfterConnectText' },
    'transient',
    'IMAP_UNREACHABLE',
  ],
  ['reset while working', 'working', { code: 'ECONNRESET' }, 'transient', 'IMAP_CONNECTION_LOST'],
  ['gone while working', 'working', { code: 'NoConnection' }, 'transient', 'IMAP_CONNECTION_LOST'],
  // TLS
  ['expired certificate', 'connecting', { code: 'CERT_HAS_EXPIRED' }, 'misconfigured', 'TLS_CERT_EXPIRED'],
  ['future certificate', 'connecting', { code: 'CERT_NOT_YET_VALID' }, 'misconfigured', 'TLS_CERT_EXPIRED'],
  [
    'expired after STARTTLS',
    'loggingIn',
    { code: 'CERT_HAS_EXPIRED', tlsFailed: true },
    'misconfigured',
    'TLS_CERT_EXPIRED',
  ],
  [
    'other name',
    'connecting',
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    'misconfigured',
    'TLS_CERT_NAME_MISMATCH',
  ],
  [
    'self-signed',
    'connecting',
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    'misconfigured',
    'TLS_CERT_UNTRUSTED',
  ],
  [
    'unknown issuer',
    'connecting',
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    'misconfigured',
    'TLS_CERT_UNTRUSTED',
  ],
  [
    'TLS to a clear port',
    'connecting',
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER' },
    'misconfigured',
    'IMAP_NOT_IMAP',
  ],
  [
    'the same, older OpenSSL',
    'connecting',
    { code: 'EPROTO', message: 'wrong version number' },
    'misconfigured',
    'IMAP_NOT_IMAP',
  ],
  [
    'only old TLS',
    'connecting',
    { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' },
    'misconfigured',
    'TLS_FAILED',
  ],
  [
    'handshake failure',
    'connecting',
    { code: 'EPROTO', message: 'handshake failure' },
    'misconfigured',
    'TLS_FAILED',
  ],
  [
    'no STARTTLS',
    'connecting',
    { message: 'Server does not support STARTTLS', tlsFailed: true },
    'misconfigured',
    'TLS_REQUIRED',
  ],
  [
    'injection before TLS',
    'connecting',
    { code: 'STARTTLS_INJECTION', tlsFailed: true },
    'misconfigured',
    'TLS_FAILED',
  ],
  [
    'TLS upgrade that fails otherwise',
    'loggingIn',
    { code: 'X', tlsFailed: true },
    'misconfigured',
    'TLS_FAILED',
  ],
  // Logging in
  [
    'wrong password',
    'loggingIn',
    no('Invalid credentials', 'AUTHENTICATIONFAILED'),
    'auth',
    'IMAP_AUTH_REJECTED',
  ],
  ['wrong password without a code', 'loggingIn', no('LOGIN failed.'), 'auth', 'IMAP_AUTH_REJECTED'],
  [
    'wrong password, polite',
    'loggingIn',
    no('Invalid login, please try again'),
    'auth',
    'IMAP_AUTH_REJECTED',
  ],
  ['expired password', 'loggingIn', no('change it', 'EXPIRED'), 'auth', 'IMAP_AUTH_REJECTED'],
  [
    'Gmail asks for an app password',
    'loggingIn',
    no('Application-specific password required', 'ALERT'),
    'auth',
    'IMAP_AUTH_REJECTED',
  ],
  [
    'refused token',
    'loggingIn',
    login({ responseStatus: 'NO', oauthError: { status: '401' } }),
    'auth',
    'IMAP_AUTH_REJECTED',
  ],
  [
    'token check out of order',
    'loggingIn',
    login({ responseStatus: 'NO', oauthError: { status: '503' } }),
    'transient',
    'IMAP_AUTH_UNAVAILABLE',
  ],
  ['[UNAVAILABLE] at login', 'loggingIn', no('later', 'UNAVAILABLE'), 'transient', 'IMAP_AUTH_UNAVAILABLE'],
  ['[INUSE] at login', 'loggingIn', no('locked', 'INUSE'), 'transient', 'IMAP_AUTH_UNAVAILABLE'],
  [
    'a temporary text with the code of a wrong password',
    'loggingIn',
    no('Temporary authentication failure', 'AUTHENTICATIONFAILED'),
    'transient',
    'IMAP_AUTH_UNAVAILABLE',
  ],
  ['Exchange is down', 'loggingIn', no('Server Unavailable. 15'), 'transient', 'IMAP_AUTH_UNAVAILABLE'],
  [
    'socket dropped during login',
    'loggingIn',
    login({ code: 'NoConnection' }),
    'transient',
    'IMAP_AUTH_UNAVAILABLE',
  ],
  [
    'socket closed during login',
    'loggingIn',
    { code: 'ClosedAfterConnectTLS' },
    'transient',
    'IMAP_AUTH_UNAVAILABLE',
  ],
  [
    'LOGINDISABLED',
    'loggingIn',
    login({ message: 'Login is disabled' }),
    'misconfigured',
    'IMAP_AUTH_MECHANISM',
  ],
  [
    'no mechanism',
    'loggingIn',
    { message: 'Unsupported authentication mechanism' },
    'misconfigured',
    'IMAP_AUTH_MECHANISM',
  ],
  ['BAD at login', 'loggingIn', bad('Unknown command'), 'misconfigured', 'IMAP_AUTH_MECHANISM'],
  ['[PRIVACYREQUIRED]', 'loggingIn', no('not in clear', 'PRIVACYREQUIRED'), 'misconfigured', 'TLS_REQUIRED'],
  // Limits and throttling, wherever they are told
  [
    'Gmail connection limit',
    'loggingIn',
    no('Too many simultaneous connections. (Failure)', 'ALERT'),
    'throttled',
    'IMAP_TOO_MANY_CONNECTIONS',
    60_000,
  ],
  [
    'Dovecot connection limit',
    'loggingIn',
    no('Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)', 'UNAVAILABLE'),
    'throttled',
    'IMAP_TOO_MANY_CONNECTIONS',
    60_000,
  ],
  [
    'connection limit in BYE',
    'connecting',
    { code: 'ClosedAfterConnectTLS', reason: 'Too many connections' },
    'throttled',
    'IMAP_TOO_MANY_CONNECTIONS',
    60_000,
  ],
  [
    'Exchange throttles',
    'working',
    bad('Request is throttled. Suggested Backoff Time: 299961 milliseconds'),
    'throttled',
    'IMAP_THROTTLED',
    299_961,
  ],
  [
    'Exchange throttles for a day',
    'working',
    bad('Request is throttled. Suggested Backoff Time: 86400000 milliseconds'),
    'throttled',
    'IMAP_THROTTLED',
    900_000,
  ],
  [
    'imapflow saw a throttle',
    'working',
    { code: 'ETHROTTLE', responseText: 'Backoff Time: 5' },
    'throttled',
    'IMAP_THROTTLED',
    5,
  ],
  ['[THROTTLED] without a time', 'working', no('slow', 'THROTTLED'), 'throttled', 'IMAP_THROTTLED', 60_000],
  ['Yahoo [LIMIT]', 'loggingIn', no('Rate limit hit.', 'LIMIT'), 'throttled', 'IMAP_THROTTLED', 60_000],
  ['[LIMIT] with another text', 'working', no('no more', 'LIMIT'), 'throttled', 'IMAP_THROTTLED', 60_000],
  [
    'Gmail bandwidth',
    'loggingIn',
    no('Account exceeded command or bandwidth limits.'),
    'throttled',
    'IMAP_THROTTLED',
    900_000,
  ],
  ['[OVERQUOTA]', 'working', no('used up', 'OVERQUOTA'), 'throttled', 'IMAP_THROTTLED', 900_000],
  [
    'Exchange has no mailbox behind the login',
    'loggingIn',
    {
      authenticationFailed: true,
      message: 'Authentication failed',
      response: 'User is authenticated but not connected.',
    },
    'throttled',
    'IMAP_NOT_CONNECTED_MAILBOX',
    60_000,
  ],
  // Folders
  [
    'folder missing by LIST',
    'opening',
    { responseStatus: 'NO', responseText: 'no', mailboxMissing: true },
    'folderGone',
    'IMAP_FOLDER_MISSING',
  ],
  ['[NONEXISTENT]', 'opening', no('gone', 'NONEXISTENT'), 'folderGone', 'IMAP_FOLDER_MISSING'],
  ['folder missing by text', 'opening', no("Mailbox doesn't exist: x"), 'folderGone', 'IMAP_FOLDER_MISSING'],
  ['[NOPERM]', 'opening', no('not yours', 'NOPERM'), 'folderGone', 'IMAP_FOLDER_MISSING'],
  ['[SERVERBUG] when opening', 'opening', no('oops', 'SERVERBUG'), 'transient', 'IMAP_SERVER_REFUSED'],
  // Commands and limits of ours
  ['NO to a command', 'working', no('not now'), 'transient', 'IMAP_SERVER_REFUSED'],
  ['BAD to a command', 'working', bad('Command Argument Error 11'), 'transient', 'IMAP_PROTOCOL'],
  ['line too long', 'working', { code: 'LineTooLarge' }, 'transient', 'IMAP_PROTOCOL'],
  ['literal too long', 'working', { code: 'LiteralTooLarge' }, 'transient', 'IMAP_PROTOCOL'],
  ['response too long', 'working', { code: 'ResponseTooLarge' }, 'transient', 'IMAP_PROTOCOL'],
  ['answer that cannot be read', 'working', { code: 'ParserError11' }, 'transient', 'IMAP_PROTOCOL'],
  ['wrong tag', 'working', { code: 'UnexpectedTag' }, 'transient', 'IMAP_PROTOCOL'],
  ['a command we cannot build', 'working', { code: 'InvalidStringValue' }, 'bug', 'INTERNAL'],
  ['anything else', 'working', new TypeError('x is not a function'), 'bug', 'INTERNAL'],
];

describe('faults of IMAP', () => {
  test.each(ROWS)('%s', (_what, phase, error, kind, code, retryAfterMs) => {
    const fault = imapFault(error, phase);
    expect(fault).toMatchObject({ kind, code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    expect(isErrorCode(fault.code)).toBe(true);
    expect(fault.kind === 'throttled').toBe(fault.retryAfterMs !== undefined);
  });

  test('every row of the table is reached by one of the cases above', () => {
    const reached = new Set(ROWS.map(([, phase, error]) => imapFault(error, phase).detail.split(':')[0]));
    expect(IMAP_FAULT_TABLE.map(({ says }) => says).filter((says) => !reached.has(says))).toEqual([]);
  });

  test('a FaultError stays what it is', () => {
    const error = new FaultError({ kind: 'fenced', code: 'LEASE_LOST', detail: 'x' });
    expect(imapFaultError(error, 'working')).toBe(error);
  });

  test('the response code is read from a parsed response too', () => {
    const response = { attributes: [{ section: [{ value: 'LIMIT' }] }] };
    expect(imapFault({ responseStatus: 'NO', response }, 'working').code).toBe('IMAP_THROTTLED');
  });

  test('a closed connection has the reason of its BYE', () => {
    expect(closedFault('Too many connections', 'working').code).toBe('IMAP_TOO_MANY_CONNECTIONS');
    expect(closedFault(undefined, 'working').code).toBe('IMAP_CONNECTION_LOST');
    expect(closedFault('Autologout; idle for too long', 'working').detail).toContain('Autologout');
  });

  test('neither secrets nor addresses nor control characters get into the detail, however often the server repeats them', () => {
    const said = `no user jane.doe@example.com with hunter2horse or ${Buffer.from('hunter2horse').toString('base64')}\u001b[31m\u202e`;
    const { detail } = imapFault(no(said.repeat(20), 'AUTHENTICATIONFAILED'), 'loggingIn', ['hunter2horse']);
    expect(detail).not.toMatch(/hunter2|jane|example|aHVudGVy|\u001b|\u202e/);
    expect(detail.length).toBeLessThan(260);
  });

  test('an unknown error tells its name and code only', () => {
    const error = Object.assign(new RangeError('secret text'), { code: 'EODD' });
    expect(imapFault(error, 'working').detail).toBe('unexpected RangeError EODD');
    expect(imapFault('text', 'working').detail).toBe('unexpected string');
  });
});
