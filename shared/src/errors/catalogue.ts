/* oxlint-disable max-lines -- a table that is read and searched as a whole. */
/**
 * Every error code once: what it means to a person, what to do next, whether the system retries by itself.
 * Codes are never reused once retired. The docs table and the HTTP answers are made from this list.
 */
export interface ErrorEntry {
  /** HTTP status where the code leaves the API. */
  readonly status: number;
  /** A sentence a tired admin understands. */
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
  /** True when the system tries again by itself. */
  readonly retried: boolean;
}

export const ERROR_CATALOGUE = {
  // Connecting
  IMAP_DNS_NOT_FOUND: {
    status: 422,
    message: 'The mail server name could not be found.',
    hint: 'Check the host name for typing mistakes; if it was right until now, your DNS may have an outage.',
    retried: true,
  },
  IMAP_UNREACHABLE: {
    status: 422,
    message: 'The mail server did not accept the connection.',
    hint: 'Check host and port, and that the server is up and reachable from here. We keep trying.',
    retried: true,
  },
  IMAP_TIMEOUT: {
    status: 422,
    message: 'The mail server did not answer in time.',
    hint: 'The server or the network is slow, or the port belongs to something else. We keep trying.',
    retried: true,
  },
  IMAP_NOT_IMAP: {
    status: 422,
    message: 'Something answered on this port, but it is not an IMAP server (or it expects TLS differently).',
    hint: 'Port 993 wants TLS on; port 143 wants STARTTLS. Check the port and the TLS setting.',
    retried: true,
  },
  EGRESS_FORBIDDEN: {
    status: 422,
    message: 'This address may not be connected to.',
    hint: 'Only public addresses are allowed. For a mail server in a private network an operator must add it to EGRESS_ALLOW_CIDRS.',
    retried: false,
  },
  TLS_REQUIRED: {
    status: 422,
    message: 'The mail server offers no STARTTLS, and the password is never sent without encryption.',
    hint: 'Switch TLS on and use port 993, or ask the mail server’s administrator to enable STARTTLS.',
    retried: false,
  },
  TLS_PLAIN_FORBIDDEN: {
    status: 422,
    message: 'Connections without encryption are not allowed for this mail server.',
    hint: 'Switch on TLS or STARTTLS. An operator can allow clear text for an address with IMAP_PLAINTEXT_ALLOW_CIDRS.',
    retried: false,
  },
  TLS_CERT_EXPIRED: {
    status: 422,
    message: 'The mail server’s certificate has expired.',
    hint: 'The mail server’s administrator must renew it. We look again every hour.',
    retried: true,
  },
  TLS_CERT_NAME_MISMATCH: {
    status: 422,
    message: 'The mail server’s certificate is for another name.',
    hint: 'Use the host name that the certificate was issued for.',
    retried: false,
  },
  TLS_CERT_UNTRUSTED: {
    status: 422,
    message: 'The mail server’s certificate is not signed by a known authority.',
    hint: 'Install a certificate of a public authority on the mail server; an operator can relax the check for this one mailbox.',
    retried: false,
  },
  TLS_FAILED: {
    status: 422,
    message: 'No encrypted connection could be agreed on with the mail server.',
    hint: 'Check port and TLS setting; very old servers offer only TLS versions that are no longer safe.',
    retried: true,
  },
  // Logging in
  IMAP_AUTH_REJECTED: {
    status: 422,
    message: 'The mail server refused the user name or password.',
    hint: 'Enter the password again; many providers want an app password here. Nothing is lost: we continue where we stopped.',
    retried: false,
  },
  IMAP_AUTH_UNAVAILABLE: {
    status: 422,
    message: 'The mail server could not check the login just now.',
    hint: 'Nothing to do: this is a temporary problem of the mail server, we keep trying.',
    retried: true,
  },
  IMAP_AUTH_MECHANISM: {
    status: 422,
    message: 'The mail server offers no login method that we can use.',
    hint: 'For Google and Microsoft use OAuth instead of a password.',
    retried: false,
  },
  IMAP_CREDENTIALS_MISSING: {
    status: 422,
    message: 'There is no password or token stored for this mailbox.',
    hint: 'Enter the password, or connect with OAuth.',
    retried: false,
  },
  IMAP_NOT_CONNECTED_MAILBOX: {
    status: 422,
    message: 'The login worked, but the mail server has no mailbox for it.',
    hint: 'Check that the account has a licence and that IMAP is switched on for it.',
    retried: true,
  },
  OAUTH_REAUTHORIZE: {
    status: 422,
    message: 'The permission to read this mailbox has ended.',
    hint: 'Reconnect the mailbox with OAuth.',
    retried: false,
  },
  OAUTH_CLIENT_REJECTED: {
    status: 422,
    message: 'The OAuth provider refuses this application.',
    hint: 'Check client id, client secret and scopes of the OAuth application.',
    retried: false,
  },
  OAUTH_UNAVAILABLE: {
    status: 422,
    message: 'The OAuth provider could not be reached.',
    hint: 'Nothing to do: we keep trying.',
    retried: true,
  },
  OAUTH_STATE_INVALID: {
    status: 422,
    message: 'This login was not started here, was finished already, or took too long.',
    hint: 'Start the login again from the mailbox, and finish it in the same browser within ten minutes.',
    retried: false,
  },
  OAUTH_DENIED: {
    status: 422,
    message: 'The login was cancelled, or the permission was not given.',
    hint: 'Start again and agree to everything that is asked; some organisations need an administrator’s consent first.',
    retried: false,
  },
  OAUTH_ISSUER_MISMATCH: {
    status: 422,
    message: 'The answer came from another login service than the one that was asked.',
    hint: 'Check the OAuth addresses of this mailbox. If they are right, somebody may be interfering: do not repeat the login.',
    retried: false,
  },
  OAUTH_WRONG_ACCOUNT: {
    status: 422,
    message: 'The account that logged in is not the one of this mailbox.',
    hint: 'Log in with the mailbox’s own account. If the mailbox is shared, say so in its settings and log in with an account that may open it.',
    retried: false,
  },
  OAUTH_SCOPE_MISSING: {
    status: 422,
    message: 'The permission that was given is not enough to read the mailbox at any time.',
    hint: 'Agree to all that is asked, and check that the scopes include IMAP and lasting access (offline_access).',
    retried: false,
  },
  OAUTH_LINK_INVALID: {
    status: 404,
    message: 'This link was used already, was withdrawn, or has expired.',
    hint: 'Ask whoever sent it for a new one.',
    retried: false,
  },
  SECRET_UNREADABLE: {
    status: 500,
    message: 'The stored password or token cannot be decrypted.',
    hint: 'SECRETS_MASTER_KEY is not the one it was stored with. Restore the key, or enter the password again.',
    retried: false,
  },
  VAULT_UNAVAILABLE: {
    status: 503,
    message: 'The vault that holds the passwords cannot be reached.',
    hint: 'An operator should look at Vault and at the network to it. Open connections go on, the others follow by themselves.',
    retried: true,
  },
  VAULT_SEALED: {
    status: 503,
    message: 'The vault that holds the passwords is sealed.',
    hint: 'An operator must unseal Vault. Open connections go on, the others follow by themselves.',
    retried: true,
  },
  VAULT_DENIED: {
    status: 503,
    message: 'The vault does not let us in, or not to this secret.',
    hint: 'An operator must check the login and the policy of Mailstream in Vault. We look again at intervals.',
    retried: true,
  },
  VAULT_REFUSED: {
    status: 502,
    message: 'The vault did not understand what we asked of it.',
    hint: 'An operator must check VAULT_ADDR, VAULT_NAMESPACE and VAULT_KV_MOUNT: it must be a KV engine of version 2.',
    retried: true,
  },
  VAULT_CONFLICT: {
    status: 409,
    message: 'Somebody else changed this secret in the vault at the same moment.',
    hint: 'Try again.',
    retried: false,
  },
  VAULT_SECRET_MISSING: {
    status: 422,
    message: 'The stored password or token is no longer in the vault.',
    hint: 'An operator can undelete it in Vault; otherwise enter it again.',
    retried: false,
  },
  // Sending
  SMTP_NOT_SET: {
    status: 422,
    message: 'This mailbox has no server to send mail through.',
    hint: 'Enter the SMTP server in the settings of the mailbox.',
    retried: false,
  },
  SMTP_UNREACHABLE: {
    status: 422,
    message: 'The server for outgoing mail did not accept the connection.',
    hint: 'Check host and port, and that the server is up and reachable from here. We keep trying.',
    retried: true,
  },
  SMTP_TIMEOUT: {
    status: 422,
    message: 'The server for outgoing mail did not answer in time.',
    hint: 'The server or the network is slow, or the port belongs to something else. We keep trying.',
    retried: true,
  },
  SMTP_NOT_SMTP: {
    status: 422,
    message: 'Something answered on this port, but it is not a server for outgoing mail.',
    hint: 'Port 465 wants TLS on; port 587 wants STARTTLS. Check the port and the TLS setting.',
    retried: true,
  },
  SMTP_AUTH_REJECTED: {
    status: 422,
    message: 'The server for outgoing mail refused the login.',
    hint: 'Enter user name and password again; many providers want an app password here. Mail that waits is sent then.',
    retried: true,
  },
  SMTP_TEMPORARY: {
    status: 422,
    message: 'The server for outgoing mail asks to try again later.',
    hint: 'Nothing to do: we keep trying with growing delay.',
    retried: true,
  },
  SMTP_RECIPIENT_REFUSED: {
    status: 422,
    message: 'The server for outgoing mail refused the address of the recipient.',
    hint: 'Check the address. Send it again once it is right, or once the server takes it.',
    retried: false,
  },
  SMTP_MESSAGE_REFUSED: {
    status: 422,
    message: 'The server for outgoing mail refused the mail.',
    hint: 'It may be too large, or the server does not let this mailbox send as this address. Send it again when that has changed.',
    retried: false,
  },
  SMTP_OUTCOME_UNKNOWN: {
    status: 422,
    message: 'The connection ended before the server said whether it took the mail.',
    hint: 'Nothing to do: it is sent again under the same Message-ID, by which the receiver knows it again.',
    retried: true,
  },
  SMTP_MESSAGE_INVALID: {
    status: 422,
    message: 'The mail could not be put together.',
    hint: 'An address is none, or an attachment is missing or too large. Write the answer again without it.',
    retried: false,
  },
  // Working
  IMAP_THROTTLED: {
    status: 503,
    message: 'The mail server asked us to slow down.',
    hint: 'Nothing to do: we continue when the server allows it.',
    retried: true,
  },
  IMAP_TOO_MANY_CONNECTIONS: {
    status: 503,
    message: 'The mail server allows no more connections for this account.',
    hint: 'Close other mail programs, watch fewer folders, or raise the server’s limit. We keep trying.',
    retried: true,
  },
  IMAP_CONNECTION_TURNS: {
    status: 503,
    message: 'More folders are watched than connections are allowed, so they take turns.',
    hint: 'Mail arrives a little later than usual. An operator can raise IMAP_MAX_CONNECTIONS_PER_TENANT or IMAP_MAX_CONNECTIONS_PER_HOST.',
    retried: true,
  },
  IMAP_CONNECTION_LOST: {
    status: 503,
    message: 'The connection to the mail server was lost.',
    hint: 'Nothing to do: we reconnect by ourselves and catch up.',
    retried: true,
  },
  IMAP_PROTOCOL: {
    status: 502,
    message: 'The mail server answered in a way that breaks the IMAP rules or our limits.',
    hint: 'We reconnect and go on; if it stays, tell the mail server’s administrator.',
    retried: true,
  },
  IMAP_SERVER_REFUSED: {
    status: 503,
    message: 'The mail server could not do what we asked just now.',
    hint: 'Nothing to do: we keep trying. If it stays, tell the mail server’s administrator.',
    retried: true,
  },
  IMAP_IDLE_REFUSED: {
    status: 503,
    message: 'The mail server offers push (IDLE) but does not accept it.',
    hint: 'Nothing to do: new mail is looked for at intervals instead.',
    retried: true,
  },
  IMAP_DATA_STALE: {
    status: 503,
    message:
      'The connection looks alive, but for too long the mail server has not shown that everything is here.',
    hint: 'We connect anew by ourselves. If it stays so, look at the mail server or at the network between.',
    retried: true,
  },
  IMAP_FOLDER_MISSING: {
    status: 422,
    message: 'The folder does not exist on the mail server.',
    hint: 'Choose another folder, or create it again; its position is kept.',
    retried: true,
  },
  IMAP_UIDS_NOT_STICKY: {
    status: 422,
    message:
      'The mail server does not keep message numbers between connections, so mail cannot be followed safely.',
    hint: 'Choose another folder or another mail server.',
    retried: false,
  },
  PARSER_KILLED: {
    status: 500,
    message: 'A message could not be read within its limits of time and memory.',
    hint: 'It is kept as a dead letter with its original; the mailbox goes on.',
    retried: true,
  },
  RAW_MISSING: {
    status: 500,
    message: 'The stored original of a message is gone.',
    hint: 'Check what removes files from the storage. The message is kept as a dead letter; the mailbox goes on.',
    retried: false,
  },
  STORAGE_UNAVAILABLE: {
    status: 503,
    message: 'The storage for messages cannot be written.',
    hint: 'Check free space and access. Fetching waits, nothing is lost.',
    retried: true,
  },
  QUOTA_MESSAGES: {
    status: 503,
    message: 'The number of messages that your organisation may receive in a day is reached.',
    hint: 'Nothing is lost: mail waits in the mailbox and is fetched from midnight (UTC) on, or as soon as the operator grants more.',
    retried: true,
  },
  QUOTA_STORAGE: {
    status: 503,
    message: 'The storage that your organisation may use is full.',
    hint: 'Nothing is lost: mail waits in the mailbox. The operator can grant more; then it is fetched by itself.',
    retried: true,
  },
  DATABASE_UNAVAILABLE: {
    status: 503,
    message: 'The database cannot be reached.',
    hint: 'Nothing is lost: work goes on when it is back.',
    retried: true,
  },
  STORAGE_FULL: {
    status: 503,
    message: 'The storage for messages is full.',
    hint: 'An operator must free or add space. Fetching waits, mail stays in the mailbox, and it goes on by itself.',
    retried: true,
  },
  STREAM_FULL: {
    status: 503,
    message: 'Events wait to be processed, and there are too many of them to fetch more mail.',
    hint: 'An operator should see whether the workers run. Mail stays in the mailbox; fetching goes on once they have caught up.',
    retried: true,
  },
  REDIS_FULL: {
    status: 503,
    message: 'Redis has no memory left for more events.',
    hint: 'An operator must raise its maxmemory or see what fills it. Mail stays in the mailbox, and fetching goes on by itself.',
    retried: true,
  },
  REDIS_UNAVAILABLE: {
    status: 503,
    message: 'Redis cannot be reached or takes no entries.',
    hint: 'Nothing is lost: the mailbox is the queue, work goes on when it is back.',
    retried: true,
  },
  LEASE_LOST: {
    status: 409,
    message: 'Another instance owns this mailbox now.',
    hint: 'Nothing to do.',
    retried: true,
  },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong inside Mailstream.',
    hint: 'The log has the details under the same code; please report it.',
    retried: true,
  },
  // The worker: why an entry of the stream became a dead letter
  ENTRY_INVALID: {
    status: 500,
    message: 'An entry of the event stream is not an event that can be read.',
    hint: 'See what writes to the stream besides Mailstream. The entry is kept whole in the dead letters.',
    retried: false,
  },
  TENANT_MISMATCH: {
    status: 500,
    message: 'An event names another tenant inside than outside.',
    hint: 'Somebody may be forging events: check who may write to Redis.',
    retried: false,
  },
  PROVIDER_UNKNOWN: {
    status: 500,
    message: 'An event names a mailbox that its tenant does not have.',
    hint: 'The mailbox may have been deleted meanwhile; otherwise check who may write to Redis.',
    retried: false,
  },
  WORKER_FAILED: {
    status: 500,
    message: 'An event could not be turned into a ticket, however often it was tried.',
    hint: 'The log has the reason under the same code. Replay the dead letter once it is mended.',
    retried: true,
  },
  WORKER_KILLED: {
    status: 500,
    message: 'An event ended the worker each time it was tried.',
    hint: 'It is kept as a dead letter so that others go on; please report it with its original.',
    retried: true,
  },
  // The API
  VALIDATION_FAILED: {
    status: 400,
    message: 'Some fields are not right.',
    hint: 'See `fields` for each one.',
    retried: false,
  },
  UNAUTHENTICATED: {
    status: 401,
    message: 'You are not logged in.',
    hint: 'Log in, or send a valid API token.',
    retried: false,
  },
  LOGIN_FAILED: {
    status: 401,
    message: 'E-mail or password is wrong.',
    hint: 'Try again, or ask an administrator.',
    retried: false,
  },
  FORBIDDEN: {
    status: 403,
    message: 'You may not do this.',
    hint: 'Ask an administrator for the right.',
    retried: false,
  },
  NOT_FOUND: {
    status: 404,
    message: 'There is nothing here.',
    hint: 'It may have been deleted.',
    retried: false,
  },
  CONFLICT: {
    status: 409,
    message: 'This clashes with something that exists.',
    hint: 'See the message.',
    retried: false,
  },
  MAILBOX_EXISTS: {
    status: 409,
    message: 'This mailbox is already connected.',
    hint: 'Edit the existing one, or delete it first.',
    retried: false,
  },
  QUOTA_MAILBOXES: {
    status: 409,
    message: 'Your organisation has as many mailboxes as it may have.',
    hint: 'Remove one that is no longer needed, or ask the operator for more.',
    retried: false,
  },
  QUOTA_FOLDERS: {
    status: 409,
    message: 'Your organisation would watch more folders than it may.',
    hint: 'Watch fewer folders here or in another mailbox, or ask the operator for more.',
    retried: false,
  },
  QUOTA_API_CALLS: {
    status: 429,
    message: 'Your organisation has made as many API calls as it may in a day.',
    hint: 'Wait until midnight (UTC), as Retry-After says, or ask the operator for more. People who are logged in can go on.',
    retried: false,
  },
  RATE_LIMITED: {
    status: 429,
    message: 'Too many requests.',
    hint: 'Wait a moment and try again.',
    retried: false,
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export function errorEntry(code: ErrorCode): ErrorEntry {
  return ERROR_CATALOGUE[code];
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
