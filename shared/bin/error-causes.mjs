/* oxlint-disable max-lines -- a table that is read and searched as a whole. */
// Of each error code: where it comes from, and what to do in more words than the catalogue has. The catalogue holds the rest of the
// section in shared/generated/errors.md; a code without a line here, or a line without a code, fails `npm run verify`.

/** @type {{ code: string, cause: string, steps: string[] }[]} */
export const CAUSES = [
  // Connecting
  {
    code: 'IMAP_DNS_NOT_FOUND',
    cause:
      'The name has no address: a typing mistake, a domain that has ended, or a resolver that does not answer.',
    steps: [
      '`nslookup HOST` on the machine (or in the pod) of the daemon says whether the name is known there.',
      'All mailboxes at once: look at the DNS of the cluster; the network policy must let pods reach it (`networkPolicy.dns.to`).',
    ],
  },
  {
    code: 'IMAP_UNREACHABLE',
    cause: 'Nobody listens on that port, a firewall refuses, or the mail server is down.',
    steps: [
      '`nc -vz HOST PORT` from where the daemon runs. Refused there as well: server or port is wrong.',
      'Reached from elsewhere only: a firewall, or a port that is missing in `egress.allowPorts` of the chart.',
    ],
  },
  {
    code: 'IMAP_TIMEOUT',
    cause:
      'The connection or a command took longer than `IMAP_CONNECTION_TIMEOUT_MS` and its multiples: an overloaded server, a firewall that drops silently, or TLS expected on a port that speaks clear text.',
    steps: [
      'Test the connection in the UI: it names the step that took too long.',
      'A server that is merely slow: raise `IMAP_CONNECTION_TIMEOUT_MS`.',
    ],
  },
  {
    code: 'IMAP_NOT_IMAP',
    cause: 'The first bytes were no greeting of an IMAP server: another service, or TLS on one side only.',
    steps: ['`openssl s_client -connect HOST:993 -crlf -quiet` should show a line that begins with `* OK`.'],
  },
  {
    code: 'EGRESS_FORBIDDEN',
    cause:
      'The name points to a private, link-local or otherwise reserved address, or the port is not among those that are open. The guard looks at the address at every connect, so a name that changes is caught as well.',
    steps: [
      'A mail server in a private network: an operator adds its network to `EGRESS_ALLOW_CIDRS` (`egress.allowCidrs` of the chart), as narrow as can be.',
      'Another port: `EGRESS_ALLOW_PORTS` (`egress.allowPorts`).',
      'A public name that suddenly points to a private address: somebody may be trying to reach your network.',
    ],
  },
  {
    code: 'TLS_REQUIRED',
    cause:
      'STARTTLS was asked for and the server does not offer it, or somebody in between removes the offer.',
    steps: [
      '`openssl s_client -starttls imap -connect HOST:143` shows whether it is offered.',
      'Prefer port 993 with TLS from the first byte.',
    ],
  },
  {
    code: 'TLS_PLAIN_FORBIDDEN',
    cause:
      'TLS and STARTTLS are both off in the settings, and the address is not among those that may be used so.',
    steps: [
      'Only for a server in your own network: `IMAP_PLAINTEXT_ALLOW_CIDRS`. The password crosses that network in clear.',
    ],
  },
  {
    code: 'TLS_CERT_EXPIRED',
    cause: 'The time of the certificate is over, or the clock of this machine is wrong.',
    steps: [
      '`date` first; then `openssl s_client -connect HOST:993 </dev/null | openssl x509 -noout -dates`.',
    ],
  },
  {
    code: 'TLS_CERT_NAME_MISMATCH',
    cause:
      'The server is reached under a name that its certificate does not have, often the provider’s own name for a customer’s domain.',
    steps: ['The test of the connection shows the names of the certificate: use one of them as host.'],
  },
  {
    code: 'TLS_CERT_UNTRUSTED',
    cause:
      'A certificate that the server made itself, an authority of a company, or a chain without its middle part.',
    steps: [
      'A chain that is not whole is the server’s to mend: `openssl s_client -showcerts` shows what it sends.',
      'An authority of your own: give the processes `NODE_EXTRA_CA_CERTS` (in the chart by `envFrom`).',
      'Else an operator switches the check off for this one mailbox. Whoever is in between can then read its password.',
    ],
  },
  {
    code: 'TLS_FAILED',
    cause: 'No common version or cipher: mostly servers that know nothing newer than TLS 1.0 or 1.1.',
    steps: [
      '`openssl s_client -tls1_2 -connect HOST:993` tells. Such a server should be updated; it is not safe to use.',
    ],
  },
  // Logging in
  {
    code: 'IMAP_AUTH_REJECTED',
    cause:
      'A wrong or changed password, a blocked account, or a provider that wants an app password or OAuth.',
    steps: [
      'Enter the password again: it is tested before it is saved, and the folders go on where they stopped.',
      'Gmail and Microsoft 365 take no ordinary password: see the guides to [Gmail](../../server/docs/gmail.md) and [Microsoft 365](../../server/docs/microsoft-365.md).',
      'The daemon does not repeat a refused login at once, because that locks accounts: first after five minutes, later hourly.',
    ],
  },
  {
    code: 'IMAP_AUTH_UNAVAILABLE',
    cause:
      'The server said that it could not check the password now (its directory is away, it is overloaded).',
    steps: ['If it lasts for hours, tell the administrator of the mail server.'],
  },
  {
    code: 'IMAP_AUTH_MECHANISM',
    cause:
      'The server offers neither of the methods that we know (LOGIN, PLAIN; XOAUTH2 or OAUTHBEARER), or has login switched off for this connection.',
    steps: [
      'For OAuth: `IMAP_OAUTH_AUTH_MECHANISM` chooses between XOAUTH2 and OAUTHBEARER.',
      'Without TLS many servers offer no login: switch it on.',
    ],
  },
  {
    code: 'IMAP_CREDENTIALS_MISSING',
    cause:
      'Nothing was ever stored, or it was erased: changing host, port, user or protection of a mailbox erases its secrets, so that they never go to another server.',
    steps: [
      'Enter the password once more, or use "Reconnect".',
      'Secrets that come from outside: the name is not in the sources of `SECRET_READ_CHAIN`.',
    ],
  },
  {
    code: 'IMAP_NOT_CONNECTED_MAILBOX',
    cause:
      'Microsoft’s "authenticated but not connected": the login was good, and there is no mailbox that it may open.',
    steps: [
      'Licence, and IMAP for this mailbox (Exchange admin center, "Email apps").',
      'A shared mailbox: the account needs "Full access" to it, and "Shared mailbox" must be set here.',
      'The application itself: the service principal was made with the object id of the app registration in place of the enterprise application. See [Microsoft 365](../../server/docs/microsoft-365.md#the-application-itself).',
      'Right after a change of permissions: wait, Exchange needs up to an hour.',
    ],
  },
  {
    code: 'OAUTH_REAUTHORIZE',
    cause:
      'The refresh token is not accepted any more: the permission was taken back, the password was changed, it was not used for months, or the application is in "Testing" at Google, where permissions end after seven days.',
    steps: [
      '"Reconnect", or send the owner a link ("Send a link to the owner").',
      'Every week again: publish the application at Google.',
    ],
  },
  {
    code: 'OAUTH_CLIENT_REJECTED',
    cause:
      'Client id or secret are wrong, the secret has expired (Microsoft: after two years at most), or the application was removed.',
    steps: [
      'Make a new secret at the provider and enter it in every mailbox that uses this application.',
      'Write down when it ends.',
    ],
  },
  {
    code: 'OAUTH_UNAVAILABLE',
    cause:
      'The token endpoint did not answer, answered 5xx or asked to slow down. A token that is still good is used meanwhile.',
    steps: ['All mailboxes at once: the network policy must let the pods reach port 443 outside.'],
  },
  {
    code: 'OAUTH_STATE_INVALID',
    cause:
      'The answer belongs to no login that is under way in this browser: too late, opened twice, another browser, or a cookie that was not kept.',
    steps: [
      'Start again from the mailbox.',
      'Always: `PUBLIC_URL` is not the address that browsers use, so the cookie is another site’s.',
    ],
  },
  {
    code: 'OAUTH_DENIED',
    cause: 'Somebody pressed "Cancel", or the organisation lets only administrators agree.',
    steps: [
      'Microsoft: an administrator grants the consent for everybody under "API permissions".',
      'Google Workspace: the administrator trusts the application under "API controls".',
    ],
  },
  {
    code: 'OAUTH_ISSUER_MISMATCH',
    cause:
      'The issuer in the answer (RFC 9207) is not the one in the settings of the mailbox: a wrong "Issuer", or an attack by which an answer is carried from one login service to another.',
    steps: [
      'Compare "Issuer" under "Addresses and scopes" with what the provider publishes in `/.well-known/openid-configuration`.',
    ],
  },
  {
    code: 'OAUTH_WRONG_ACCOUNT',
    cause: 'The browser was logged in with another account than the mailbox’s, and went on with that.',
    steps: [
      'Log out at the provider, or use a private window, and try again.',
      'A mailbox that is opened by other accounts: set "Shared mailbox".',
    ],
  },
  {
    code: 'OAUTH_SCOPE_MISSING',
    cause: 'A box was not ticked in the consent, or the scopes of the mailbox are not all that is needed.',
    steps: [
      'Google: `https://mail.google.com/`. Microsoft: `https://outlook.office.com/IMAP.AccessAsUser.All offline_access`.',
    ],
  },
  {
    code: 'OAUTH_LINK_INVALID',
    cause:
      'A link for the owner of a mailbox is good for one login and for a week; a newer link ends older ones.',
    steps: ['Make a new one at the mailbox: "Send a link to the owner".'],
  },
  {
    code: 'SECRET_UNREADABLE',
    cause:
      '`SECRETS_MASTER_KEY` is another key than the one a secret was sealed with, or a row was moved to another mailbox or tenant.',
    steps: [
      'After a restore: use the key of that time. Several keys at once are possible (`shared/src/secrets/key-ring.ts`).',
      'All pods need the same key: `kubectl rollout restart` after a change of the Secret.',
      'The key is lost: every password and permission has to be entered again. Nothing else is lost.',
    ],
  },
  // Sending
  {
    code: 'SMTP_NOT_SET',
    cause: 'An answer was written, or an acknowledgement is switched on, for a mailbox that cannot send.',
    steps: ['`PUT /api/email/providers/:id/smtp` sets it; it is tested before it is saved.'],
  },
  {
    code: 'SMTP_UNREACHABLE',
    cause:
      'Nobody listens, or a firewall is in between. Many clouds close port 25; 465 and 587 are the ones to use.',
    steps: [
      '`nc -vz HOST PORT` from where the worker runs.',
      'Other ports than 465, 587 and 2525 must be in `EGRESS_ALLOW_PORTS`.',
    ],
  },
  {
    code: 'SMTP_TIMEOUT',
    cause: 'The server was silent for too long, often while it looks at a mail for spam.',
    steps: ['The mail is tried again by itself; look only if it lasts.'],
  },
  {
    code: 'SMTP_NOT_SMTP',
    cause: 'The first bytes were no greeting of an SMTP server, or TLS is expected on one side only.',
    steps: ['`openssl s_client -connect HOST:465 -quiet` should show a line that begins with `220`.'],
  },
  {
    code: 'SMTP_AUTH_REJECTED',
    cause:
      'A wrong or changed password; Microsoft 365 has "Authenticated SMTP" switched off for most mailboxes.',
    steps: [
      'Enter it again; mail that waits is sent then.',
      'With OAuth the permission must include sending.',
    ],
  },
  {
    code: 'SMTP_TEMPORARY',
    cause: 'A 4xx answer: greylisting, a quota, a server that is busy.',
    steps: ['`GET /api/outbound` shows what the server said, and when the next attempt is.'],
  },
  {
    code: 'SMTP_RECIPIENT_REFUSED',
    cause: 'A 5xx answer to the recipient: no such mailbox, or a server that refuses yours.',
    steps: [
      'The text of the server is in `GET /api/outbound`. `POST /api/outbound/:id/retry` sends it again.',
    ],
  },
  {
    code: 'SMTP_MESSAGE_REFUSED',
    cause:
      'A 5xx answer to the sender or to the mail: too large, refused as spam, or the account may not send as this address.',
    steps: [
      'The text of the server is in `GET /api/outbound`.',
      'Let the account send as the mailbox’s address, or log in as the mailbox itself.',
    ],
  },
  {
    code: 'SMTP_OUTCOME_UNKNOWN',
    cause:
      'The connection or the process ended after the last byte and before the answer. SMTP cannot say what happened then.',
    steps: [
      'The receiver may get the mail twice, under one Message-ID, by which most programs show it once.',
    ],
  },
  {
    code: 'SMTP_MESSAGE_INVALID',
    cause:
      'An address that is none, an attachment that is no longer in the storage, or more than may be sent.',
    steps: ['Write the answer again; what was wrong stands in `GET /api/outbound`.'],
  },
  // Working
  {
    code: 'IMAP_THROTTLED',
    cause:
      'The provider limits commands or bytes: Gmail some 2.5 GB a day over IMAP, Microsoft 365 by load ("Suggested Backoff Time").',
    steps: [
      'First connects with much older mail: let it take its time, or pause between batches with `IMAP_FETCH_DELAY_MS`.',
      'Other programs on the same account count as well.',
    ],
  },
  {
    code: 'IMAP_TOO_MANY_CONNECTIONS',
    cause:
      'Each watched folder is a connection; Gmail allows 15 of an account over all programs, Exchange 16 as a rule.',
    steps: [
      'Watch fewer folders, or let them take turns: `IMAP_MAX_CONNECTIONS_PER_TENANT`, `IMAP_MAX_CONNECTIONS_PER_HOST`.',
    ],
  },
  {
    code: 'IMAP_CONNECTION_TURNS',
    cause: 'A cap of ours is in force, and there are more folders than connections.',
    steps: ['Mail is not lost, only some seconds later. Raise the cap if the mail server allows it.'],
  },
  {
    code: 'IMAP_CONNECTION_LOST',
    cause:
      'The server or something in between closed the connection. Gmail does so every hour with OAuth, NAT gateways after minutes of silence.',
    steps: [
      'Once in a while is normal: mail goes on with the next connection, and nothing is missed.',
      'Every few minutes: lower `IMAP_IDLE_RENEW_MS` below the timeout of the NAT gateway.',
    ],
  },
  {
    code: 'IMAP_PROTOCOL',
    cause:
      'An answer that cannot be read, that is larger than our limits, or messages that are listed and not delivered.',
    steps: ['The log says which. If it stays, the administrator of the mail server needs that line.'],
  },
  {
    code: 'IMAP_SERVER_REFUSED',
    cause: 'A NO or BAD without a reason that we know.',
    steps: ['The text of the server is in the log and in the mailbox’s status.'],
  },
  {
    code: 'IMAP_IDLE_REFUSED',
    cause: 'The server announces IDLE and then refuses it, often behind a proxy.',
    steps: ['Nothing: the folder is asked every `IMAP_POLL_INTERVAL_MS` instead.'],
  },
  {
    code: 'IMAP_DATA_STALE',
    cause:
      'The connection is open, and the last proof that everything is here is older than `IMAP_DATA_AGE_LIMIT_MS`: a half-open connection, or a server that says nothing.',
    steps: [
      'It is made anew by itself. If it comes back for one server, look at the network in between (NAT, firewalls).',
      '"Compare now" at the mailbox proves that nothing is missing.',
    ],
  },
  {
    code: 'IMAP_FOLDER_MISSING',
    cause: 'The folder was renamed or deleted, or its name is written in another way.',
    steps: [
      'Edit the mailbox and choose the folder from the list of the server. The position of a folder that comes back is kept.',
    ],
  },
  {
    code: 'IMAP_UIDS_NOT_STICKY',
    cause: 'The server says UIDNOTSTICKY: the numbers of messages change with each connection.',
    steps: [
      'This folder cannot be followed without losing or doubling mail. Another folder, or another server.',
    ],
  },
  {
    code: 'PARSER_KILLED',
    cause:
      'A message needed more time (`MAIL_PARSE_TIMEOUT_MS`) or memory than one may have, three times: a message that was made to do so, or a fault of ours.',
    steps: [
      'Download the original from the dead letters, replay it after an update.',
      'Please report it, with the original if you may.',
    ],
  },
  {
    code: 'RAW_MISSING',
    cause:
      'Somebody or something removed files from the storage, or it was restored to an older state than the database.',
    steps: [
      'See [backup and restore](../../helm/docs/backup-and-restore.md): the storage must be as new as the database.',
      'If the message is still in the mailbox, "Fetch older mail" does not bring it again (it is known); restore the file and replay.',
    ],
  },
  {
    code: 'STORAGE_UNAVAILABLE',
    cause:
      'The bucket or the folder refuses: access keys, a policy, a network, a volume that is not mounted.',
    steps: [
      'The log of the daemon has what the storage said.',
      '`/health/ready` says the same for all processes.',
    ],
  },
  {
    code: 'DATABASE_UNAVAILABLE',
    cause: 'PostgreSQL is down, is failing over, has no connections left or takes too long.',
    steps: [
      '`/health/ready` of any process; `max_connections` against pods times `DATABASE_POOL_MAX`.',
      'Leases end, nothing is fetched, and work goes on by itself afterwards.',
    ],
  },
  {
    code: 'STORAGE_FULL',
    cause: 'Less than 64 MiB are left in the storage or in the spool (`/tmp` of the pod).',
    steps: ['`mailstream_storage_free_bytes`; enlarge the volume, or `tmpSize` of the chart.'],
  },
  {
    code: 'STREAM_FULL',
    cause:
      'A consumer group has not acknowledged `STREAM_MAX_BACKLOG_ENTRIES`: workers are down or too slow, or a group exists that nobody reads.',
    steps: [
      'The log of the daemon names the slowest group. `XINFO GROUPS workflow:events:global` shows all.',
      'A group that nobody reads any more: `XGROUP DESTROY workflow:events:global NAME`.',
      'Else more workers, or look at `mailstream_worker_entry_seconds`.',
    ],
  },
  {
    code: 'REDIS_FULL',
    cause: '`maxmemory` is used up, by the backlog of the stream or by something else in this Redis.',
    steps: [
      '`redis-cli info memory` and `redis-cli --bigkeys`.',
      'Never set an eviction policy: with `allkeys-…` Redis throws events away (they would be published again, and your other consumers would see them twice).',
    ],
  },
  {
    code: 'REDIS_UNAVAILABLE',
    cause: 'Redis is down, is a read-only replica after a failover, or cannot write its own disk.',
    steps: ['`/health/ready`, `redis-cli info persistence`, `redis-cli info replication`.'],
  },
  {
    code: 'LEASE_LOST',
    cause:
      'This instance was stopped or cut off for longer than its lease, and another one took over. What it still tried to write was refused, as it should be.',
    steps: [
      'Often: pods without CPU, a slow PostgreSQL (`mailstream_lease_renew_seconds`), machines that pause.',
    ],
  },
  {
    code: 'INTERNAL',
    cause: 'A fault of ours: an error that no table of ours knows.',
    steps: [
      'The log has a line with this code and the whole error. Please report it.',
      'After five in a row the folder waits for a person; others go on.',
    ],
  },
  // The worker
  {
    code: 'ENTRY_INVALID',
    cause: 'Something else than Mailstream wrote to the stream, or an entry was changed by hand.',
    steps: [
      '`GET /api/email/dead-letters/strays` (operators) lists those that name no tenant; the content is on `<stream>:dlq`.',
    ],
  },
  {
    code: 'TENANT_MISMATCH',
    cause:
      'The tenant of the envelope, of the payload or of the stream’s name are not the same: a program that writes events by itself, or somebody who forges them.',
    steps: ['Give each program a login of its own to Redis, with rights for what it needs (`ACL SETUSER`).'],
  },
  {
    code: 'PROVIDER_UNKNOWN',
    cause:
      'The mailbox was deleted while its last events waited, or the database was restored to before it was made.',
    steps: ['Discard it, or restore the mailbox and replay.'],
  },
  {
    code: 'WORKER_FAILED',
    cause:
      'Each of `WORKER_MAX_ATTEMPTS` attempts ended with an error that is not the database’s or Redis’s absence.',
    steps: [
      'The history of the dead letter has the error of each attempt.',
      'Mend it and replay; the gate keeps the effect one.',
    ],
  },
  {
    code: 'WORKER_KILLED',
    cause: 'The process ended (memory, a crash) each time this event was tried.',
    steps: [
      '`kubectl describe pod` says "OOMKilled" where it was memory: raise the limit and replay.',
      'Please report it with its original.',
    ],
  },
  // The API
  {
    code: 'VALIDATION_FAILED',
    cause: 'A request does not fit the schema, or two fields do not fit each other.',
    steps: ['`error.fields` names each field, with a code and a sentence. `/api/docs` has the schemas.'],
  },
  {
    code: 'UNAUTHENTICATED',
    cause:
      'No session cookie and no token, or one that has ended, was revoked, or belongs to a user who was disabled.',
    steps: ['Log in again, or make a new token under "API tokens".'],
  },
  {
    code: 'LOGIN_FAILED',
    cause:
      'Address or password are wrong, the user is disabled, or has not set a password yet. All of these look the same on purpose.',
    steps: [
      'An administrator makes a new link under "Users".',
      'Nobody can log in any more: `create-tenant --new-link` (see [helm/README.md](../../helm/README.md)).',
    ],
  },
  {
    code: 'FORBIDDEN',
    cause: 'The role or the token lacks the scope; nobody can give rights that he does not have himself.',
    steps: ['`GET /api/auth/me` lists the scopes of whoever asks.'],
  },
  {
    code: 'NOT_FOUND',
    cause: 'It does not exist, or belongs to another tenant: the two look the same.',
    steps: ['Check the id, and with whose token you ask.'],
  },
  {
    code: 'CONFLICT',
    cause:
      'Something of that name is here, or the state does not allow it now (paused, the last administrator, a link that was used).',
    steps: ['The message says which.'],
  },
  {
    code: 'MAILBOX_EXISTS',
    cause: 'A mailbox is connected once in a tenant; two listeners on it would only compete.',
    steps: ['Edit the one that is there, for example to watch more folders.'],
  },
  {
    code: 'RATE_LIMITED',
    cause: 'Logins, connection tests and open pages are limited by caller.',
    steps: [
      '`Retry-After` says how long.',
      'Everybody at once: `TRUSTED_PROXIES` is not set, so all callers look like your proxy.',
    ],
  },
  // Vault and quotas (ee)
  {
    code: 'VAULT_UNAVAILABLE',
    cause:
      'Vault did not answer in time, or the connection failed: it is down, restarts, or the network policy does not let pods reach it.',
    steps: [
      '`vault status` from where the process runs; on Kubernetes see `networkPolicy.vault.to`.',
      'Mailboxes that are connected stay so; logins wait for Vault and follow by themselves.',
    ],
  },
  {
    code: 'VAULT_SEALED',
    cause: 'Vault was restarted and nobody has unsealed it.',
    steps: ['Unseal it, and see to automatic unsealing if that happens at night.'],
  },
  {
    code: 'VAULT_DENIED',
    cause:
      'The login was refused, the token has ended and could not be renewed, or the policy does not cover the path.',
    steps: [
      'Compare the policy with the paths in `ee/README.md`.',
      'Check role and secret of the login, and that the auth method is enabled under the name that is set.',
    ],
  },
  {
    code: 'VAULT_REFUSED',
    cause: 'Something answers that is not a KV engine of version 2 at this mount, or not Vault.',
    steps: ['`vault secrets list -detailed` names the mount and its version.'],
  },
  {
    code: 'VAULT_CONFLICT',
    cause:
      'Two people saved the same secret at the same moment; the second was refused instead of overwriting the first.',
    steps: ['Look whether the mailbox works with what the other saved; if not, save again.'],
  },
  {
    code: 'VAULT_SECRET_MISSING',
    cause: 'The secret was deleted or destroyed in Vault, or the mount was replaced.',
    steps: [
      '`vault kv undelete` brings back a version that was deleted.',
      'Otherwise enter the password again, or reconnect.',
    ],
  },
  {
    code: 'QUOTA_MESSAGES',
    cause: 'The tenant has received as many messages since midnight (UTC) as its quota allows.',
    steps: [
      'See `GET /api/quota`.',
      'An operator raises the quota with the command in `ee/README.md`; fetching goes on within a minute.',
    ],
  },
  {
    code: 'QUOTA_STORAGE',
    cause: 'What the ledger knows of the tenant takes as many bytes as its quota allows.',
    steps: ['Raise the quota, or let retention remove older mail.'],
  },
  {
    code: 'QUOTA_MAILBOXES',
    cause: 'One more mailbox would be more than the quota of the tenant.',
    steps: ['Delete a mailbox that is no longer needed, or raise the quota.'],
  },
  {
    code: 'QUOTA_FOLDERS',
    cause: 'The folders of all mailboxes of the tenant together would be more than its quota.',
    steps: ['Choose fewer folders, or raise the quota.'],
  },
  {
    code: 'QUOTA_API_CALLS',
    cause:
      'API tokens of the tenant have made as many calls since midnight (UTC) as its quota allows; the UI is not counted.',
    steps: [
      'Look for a program that asks too often: `GET /api/stream` tells it when something has changed.',
      'Raise the quota.',
    ],
  },
];
