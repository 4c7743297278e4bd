/**
 * The rows of `imap-faults.ts`: first match wins. Throttling and limits come before the phase they happen in, because
 * servers report them anywhere (also as the answer to a login); a wrong password comes after everything that only looks
 * like one, because imapflow marks every failed login as refused, a dropped socket too.
 */
import type { FaultKind } from '../domain/fault.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

/** What the session was at when it failed. */
export type ImapPhase = 'connecting' | 'loggingIn' | 'opening' | 'working';

/** No server makes us wait longer than this in one go. */
const LONGEST_BACKOFF_MS = 15 * 60_000;
/** Where a server asks for a pause without saying how long. */
const DEFAULT_BACKOFF_MS = 60_000;

/** What the table looks at. */
export interface FaultFacts {
  readonly phase: ImapPhase;
  /** `code` of the error: imapflow's, Node's or OpenSSL's. */
  readonly code: string;
  readonly message: string;
  /** NO or BAD when a tagged response failed the command, else ''. */
  readonly status: string;
  /** Response code (RFC 9051 section 7.1), upper case, or ''. */
  readonly responseCode: string;
  /** Human readable text of the server: tagged response or BYE. */
  readonly text: string;
  readonly isMailboxMissing: boolean;
  readonly isTlsFailure: boolean;
  /** `status` of the JSON a server sends when it refuses a token (RFC 7628 section 3.2.2). */
  readonly tokenStatus: string;
}

export interface FaultRow {
  readonly when: (facts: FaultFacts) => boolean;
  readonly kind: FaultKind;
  readonly code: ErrorCode;
  readonly says: string;
  readonly backoff?: (facts: FaultFacts) => number;
}

const TEMPORARY =
  /temporar|try again later|unavailable|internal (server )?error|server (is )?busy|overload|timed? ?out|backend|in progress/i;
const TOO_MANY_CONNECTIONS =
  /too many (simultaneous |concurrent |open )?(connections|sessions|logins)|maximum number of connections|connection limit|connections? exceeded/i;

const among = (...values: readonly string[]): ((value: string) => boolean) => {
  const set = new Set(values);
  return (value) => set.has(value);
};
const isGone = among(
  'NoConnection',
  'EConnectionClosed',
  'StateLogout',
  'ClosedAfterConnectText',
  'ClosedAfterConnectTLS',
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
);
const isTimeout = among('CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT', 'ETIMEDOUT', 'ETIMEOUT');
const isUnreachable = among(
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
);
const isLocalLimit = among('EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM');
const isUnknownName = among(
  'ENOTFOUND',
  'ENODATA',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NONAME',
  'EAI_NODATA',
  'ESERVFAIL',
);
const isUntrusted = among(
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
);
const isParserFault = among(
  'LineTooLarge',
  'LiteralTooLarge',
  'ResponseTooLarge',
  'UnexpectedTag',
  'InvalidResponse',
  'ResponseProcessingFailed',
  'MAX_IMAP_NESTING_REACHED',
);
const isOurMistake = among(
  'InvalidStringValue',
  'InvalidTokenValue',
  'InvalidTextValue',
  'InvalidSequenceSet',
  'InvalidSearchQuery',
  'InstanceReused',
);
const isNotTls = ({ code, message }: FaultFacts): boolean =>
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST/.test(code) ||
  (code === 'EPROTO' && /wrong version number|packet length too long|unknown protocol/i.test(message));
const isLogin = ({ phase }: FaultFacts): boolean => phase === 'loggingIn';
const isTagged = ({ status }: FaultFacts): boolean => status !== '';

export const IMAP_FAULT_TABLE: readonly FaultRow[] = [
  // The server asks for a pause, wherever it says so
  {
    when: ({ code, text, responseCode }) =>
      code === 'ETHROTTLE' ||
      responseCode === 'THROTTLED' ||
      /is throttled|backoff time|rate limit|too many (requests|commands)/i.test(text),
    kind: 'throttled',
    code: 'IMAP_THROTTLED',
    says: 'the server asks for a pause',
    backoff: ({ text }) => suggestedBackoffMs(text),
  },
  {
    when: ({ text }) => TOO_MANY_CONNECTIONS.test(text),
    kind: 'throttled',
    code: 'IMAP_TOO_MANY_CONNECTIONS',
    says: 'the server allows no more connections',
    backoff: () => DEFAULT_BACKOFF_MS,
  },
  {
    when: ({ text }) => /authenticated but not connected/i.test(text),
    kind: 'throttled',
    code: 'IMAP_NOT_CONNECTED_MAILBOX',
    says: 'logged in, but no mailbox behind it',
    backoff: () => DEFAULT_BACKOFF_MS,
  },
  {
    // Gmail's daily bandwidth: it takes hours, so look again at the longest interval.
    when: ({ responseCode, text }) =>
      responseCode === 'OVERQUOTA' || /exceeded (command or )?bandwidth/i.test(text),
    kind: 'throttled',
    code: 'IMAP_THROTTLED',
    says: 'a quota of the server is used up',
    backoff: () => LONGEST_BACKOFF_MS,
  },
  {
    when: ({ responseCode }) => responseCode === 'LIMIT',
    kind: 'throttled',
    code: 'IMAP_THROTTLED',
    says: 'a limit of the server is reached',
    backoff: () => DEFAULT_BACKOFF_MS,
  },
  // TLS
  {
    when: ({ code }) => code === 'CERT_HAS_EXPIRED',
    kind: 'misconfigured',
    code: 'TLS_CERT_EXPIRED',
    says: 'the certificate has expired',
  },
  {
    when: ({ code }) => code === 'CERT_NOT_YET_VALID',
    kind: 'misconfigured',
    code: 'TLS_CERT_EXPIRED',
    says: 'the certificate is not valid yet',
  },
  {
    when: ({ code }) => code.startsWith('ERR_TLS_CERT_ALTNAME'),
    kind: 'misconfigured',
    code: 'TLS_CERT_NAME_MISMATCH',
    says: 'the certificate is for another name',
  },
  {
    when: ({ code }) => isUntrusted(code),
    kind: 'misconfigured',
    code: 'TLS_CERT_UNTRUSTED',
    says: 'the certificate is not trusted',
  },
  { when: isNotTls, kind: 'misconfigured', code: 'IMAP_NOT_IMAP', says: 'the port does not speak TLS' },
  {
    when: ({ code }) => code === 'STARTTLS_INJECTION',
    kind: 'misconfigured',
    code: 'TLS_FAILED',
    says: 'data was sent between STARTTLS and the handshake',
  },
  {
    when: ({ message }) => message === 'Server does not support STARTTLS',
    kind: 'misconfigured',
    code: 'TLS_REQUIRED',
    says: 'the server refuses STARTTLS',
  },
  {
    when: ({ responseCode }) => responseCode === 'PRIVACYREQUIRED',
    kind: 'misconfigured',
    code: 'TLS_REQUIRED',
    says: 'the server wants encryption',
  },
  // The network
  {
    when: ({ code }) => isUnknownName(code),
    kind: 'transient',
    code: 'IMAP_DNS_NOT_FOUND',
    says: 'the name was not found',
  },
  {
    when: ({ code }) => isUnreachable(code),
    kind: 'transient',
    code: 'IMAP_UNREACHABLE',
    says: 'no connection',
  },
  {
    when: ({ code }) => isLocalLimit(code),
    kind: 'transient',
    code: 'IMAP_UNREACHABLE',
    says: 'this machine has no free sockets',
  },
  {
    // A TLS port waits for our handshake while we wait for its greeting; but a server that is merely slow says nothing, either.
    when: ({ code, message }) => code === 'GREETING_TIMEOUT' && message.includes('TLS'),
    kind: 'transient',
    code: 'IMAP_NOT_IMAP',
    says: 'no greeting came; the port may want TLS',
  },
  { when: ({ code }) => isTimeout(code), kind: 'transient', code: 'IMAP_TIMEOUT', says: 'no answer in time' },
  {
    when: ({ code }) => code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO',
    kind: 'misconfigured',
    code: 'TLS_FAILED',
    says: 'the TLS handshake failed',
  },
  {
    when: (facts) => isGone(facts.code) && isLogin(facts),
    kind: 'transient',
    code: 'IMAP_AUTH_UNAVAILABLE',
    says: 'the connection was lost during login',
  },
  {
    when: ({ code, phase }) => isGone(code) && phase === 'connecting',
    kind: 'transient',
    code: 'IMAP_UNREACHABLE',
    says: 'the server closed the connection at once',
  },
  {
    when: ({ code }) => isGone(code),
    kind: 'transient',
    code: 'IMAP_CONNECTION_LOST',
    says: 'the connection was lost',
  },
  {
    when: ({ isTlsFailure }) => isTlsFailure,
    kind: 'misconfigured',
    code: 'TLS_FAILED',
    says: 'the TLS handshake failed',
  },
  // Our limits and the protocol
  {
    when: ({ code }) => isParserFault(code) || code.startsWith('ParserError'),
    kind: 'transient',
    code: 'IMAP_PROTOCOL',
    says: 'the answer breaks the rules or our limits',
  },
  {
    when: ({ code }) => isOurMistake(code),
    kind: 'bug',
    code: 'INTERNAL',
    says: 'a command could not be built',
  },
  // Logging in
  {
    when: ({ message }) =>
      [
        'Login is disabled',
        'Unsupported authentication mechanism',
        'No matching authentication method',
      ].includes(message),
    kind: 'misconfigured',
    code: 'IMAP_AUTH_MECHANISM',
    says: 'the server offers no login method that we can use',
  },
  {
    when: (facts) =>
      isLogin(facts) &&
      (among('UNAVAILABLE', 'INUSE', 'SERVERBUG')(facts.responseCode) ||
        TEMPORARY.test(facts.text) ||
        /^5\d\d$/.test(facts.tokenStatus)),
    kind: 'transient',
    code: 'IMAP_AUTH_UNAVAILABLE',
    says: 'the server cannot check logins now',
  },
  {
    when: (facts) => isLogin(facts) && facts.status === 'NO',
    kind: 'auth',
    code: 'IMAP_AUTH_REJECTED',
    says: 'login refused',
  },
  // BAD is about the command, not about the password.
  {
    when: (facts) => isLogin(facts) && facts.status === 'BAD',
    kind: 'misconfigured',
    code: 'IMAP_AUTH_MECHANISM',
    says: 'the server does not understand the login',
  },
  // Folders
  {
    when: ({ phase, isMailboxMissing, responseCode, text }) =>
      phase === 'opening' &&
      (isMailboxMissing ||
        among('NONEXISTENT', 'TRYCREATE')(responseCode) ||
        /(does not|doesn't) exist|no such (mailbox|folder)|(unknown|invalid) mailbox|not found/i.test(text)),
    kind: 'folderGone',
    code: 'IMAP_FOLDER_MISSING',
    says: 'the folder does not exist',
  },
  {
    when: ({ phase, responseCode }) =>
      phase === 'opening' && among('NOPERM', 'AUTHORIZATIONFAILED', 'CANNOT')(responseCode),
    kind: 'folderGone',
    code: 'IMAP_FOLDER_MISSING',
    says: 'the folder may not be opened',
  },
  // Anything else a server refuses
  {
    when: ({ status }) => status === 'BAD',
    kind: 'transient',
    code: 'IMAP_PROTOCOL',
    says: 'the server does not understand a command',
  },
  { when: isTagged, kind: 'transient', code: 'IMAP_SERVER_REFUSED', says: 'the server refused a command' },
];

function suggestedBackoffMs(said: string): number {
  const hint = /backoff time[:=\s]+(\d{1,12})/i.exec(said)?.[1];
  return hint === undefined ? DEFAULT_BACKOFF_MS : Math.min(Number(hint), LONGEST_BACKOFF_MS);
}
