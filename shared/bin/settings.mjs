// What each variable means. Defaults, kinds and bounds are read from the config files themselves; `shown` replaces a default
// that depends on the machine or on another variable.

/** @type {{ name: string, text: string, shown?: string }[]} */
export const SETTINGS = [
  // Needed
  {
    name: 'DATABASE_URL',
    text: 'PostgreSQL 15 or newer, as a login that is a member of the three mailstream_* roles; TLS with ?sslmode=verify-full&sslrootcert=/file.pem.',
  },
  {
    name: 'DATABASE_DIRECT_URL',
    text: 'For LISTEN, where DATABASE_URL goes through a transaction pooler; without it the daemon looks for changes twice a second. Default: DATABASE_URL.',
    shown: '',
  },
  {
    name: 'DATABASE_IS_CITUS',
    text: 'The tables are spread over Citus (ee/README.md). The same for every process.',
  },
  { name: 'DATABASE_POOL_MAX', text: 'Connections of one process to PostgreSQL.' },
  {
    name: 'REDIS_URL',
    text: 'Redis 7 or Valkey, with maxmemory-policy noeviction: one server, behind Sentinel or a Cluster (shared/docs/stores.md). The server works without: then it has no job board, and each replica counts limits by itself.',
  },
  {
    name: 'STORAGE_URL',
    text: 'Raw mail and attachments: file:///folder or s3://bucket/prefix?endpoint=…&region=….',
  },
  {
    name: 'SECRETS_MASTER_KEY',
    text: 'Seals passwords and tokens: 32 random bytes in base64 (openssl rand -base64 32). Losing it loses them.',
  },
  { name: 'SECRET_READ_CHAIN', text: 'Where secrets are looked for before the database.' },
  { name: 'SECRETS_PATH', text: 'Folder of secrets in files, for "filesystem" in SECRET_READ_CHAIN.' },
  // Vault (ee/README.md)
  {
    name: 'VAULT_ADDR',
    text: 'Vault, by scheme, host and port; https, or http for an agent on this machine.',
  },
  { name: 'VAULT_NAMESPACE', text: 'Namespace in Vault.' },
  { name: 'VAULT_CACERT', text: "File with the authorities (PEM) that signed Vault's certificate." },
  {
    name: 'VAULT_ALLOW_CIDRS',
    text: 'Networks besides public addresses that VAULT_ADDR may lead to; nothing else is connected to through it.',
  },
  { name: 'VAULT_AUTH', text: 'How to log in to Vault.' },
  {
    name: 'VAULT_AUTH_MOUNT',
    text: 'Where that login is mounted. Default: its own name.',
  },
  { name: 'VAULT_TOKEN', text: 'Token, for VAULT_AUTH=token.' },
  {
    name: 'VAULT_TOKEN_FILE',
    text: 'File with that token, as an agent writes it; read again when it has changed.',
  },
  { name: 'VAULT_ROLE_ID', text: 'Role id, for VAULT_AUTH=approle.' },
  { name: 'VAULT_SECRET_ID', text: 'Secret id of that role.' },
  { name: 'VAULT_SECRET_ID_FILE', text: 'File with that secret id; read at each login.' },
  { name: 'VAULT_ROLE', text: 'Role, for VAULT_AUTH=kubernetes.' },
  { name: 'VAULT_JWT_FILE', text: 'Token of the service account; read at each login.' },
  { name: 'VAULT_KV_MOUNT', text: 'Where a KV engine of version 2 is mounted.' },
  {
    name: 'VAULT_PATH_PREFIX',
    text: 'Folder in it; below are a folder for each tenant and in it a path for each secret.',
  },
  {
    name: 'VAULT_WRITE',
    text: 'Passwords that people enter go to Vault; false seals them into the database.',
  },
  { name: 'VAULT_CACHE_MS', text: 'How long a secret that was read is used again; 0 asks each time.' },
  { name: 'VAULT_TIMEOUT_MS', text: 'Patience with Vault; a request is tried three times.' },
  // The process
  { name: 'PORT', text: 'API and UI of the server; health and metrics of the others. 0 takes a free one.' },
  { name: 'HOST', text: 'Address to listen on.' },
  { name: 'LOG_LEVEL', text: 'Lines below it are not written.' },
  // Mail servers
  {
    name: 'EGRESS_ALLOW_CIDRS',
    text: 'Private networks that mail servers and OAuth endpoints may be in; public addresses are always allowed.',
  },
  { name: 'EGRESS_ALLOW_PORTS', text: 'Ports besides 143 and 993 at public addresses.' },
  {
    name: 'IMAP_PLAINTEXT_ALLOW_CIDRS',
    text: 'Addresses whose mail servers may be used without TLS. Passwords cross the network in clear.',
  },
  {
    name: 'IMAP_PROVIDER_REFRESH_MS',
    text: 'How often the list of mailboxes is read when nobody says that it changed.',
  },
  {
    name: 'IMAP_LEASE_TTL_MS',
    text: 'How long a mailbox belongs to a process that no longer renews its lease.',
  },
  { name: 'IMAP_POLL_INTERVAL_MS', text: 'How often a folder is looked at where the server has no IDLE.' },
  {
    name: 'IMAP_IDLE_RENEW_MS',
    text: 'How often IDLE is ended and begun again (RFC 2177: below 29 minutes).',
  },
  { name: 'IMAP_CONNECTION_TIMEOUT_MS', text: 'Patience with a mail server that does not answer.' },
  { name: 'IMAP_SOCKET_KEEPALIVE', text: 'TCP keepalive on connections to mail servers.' },
  { name: 'IMAP_STARTUP_STAGGER_MS', text: 'The first connections are spread over this time.' },
  { name: 'IMAP_TIMER_JITTER_PCT', text: 'Share of every interval that is random.' },
  { name: 'IMAP_RECONNECT_JITTER_PCT', text: 'Share of the delay before a reconnect that is random.' },
  // Back-pressure
  {
    name: 'STREAM_MAX_BACKLOG_ENTRIES',
    text: 'Events of a stream that a consumer group has not acknowledged; above it nothing is fetched, below 80 % it goes on.',
  },
  {
    name: 'REDIS_MAX_MEMORY_RATIO',
    text: 'Share of the maxmemory of Redis above which nothing is fetched, where it has one.',
  },
  {
    name: 'STREAM_TRIM_INTERVAL_MS',
    text: 'How often acknowledged events are removed from the streams; those of the last hour stay.',
  },
  {
    name: 'IMAP_MAX_CONNECTIONS_PER_TENANT',
    text: 'Connections of one process for one tenant; above it folders share time. 0 is no limit.',
  },
  { name: 'IMAP_MAX_CONNECTIONS_PER_HOST', text: 'The same for one mail server.' },
  { name: 'IMAP_MAX_EMAILS_PER_SYNC', text: 'Messages of one batch; not a limit on what is taken in.' },
  {
    name: 'IMAP_AUDIT_INTERVAL_MS',
    text: 'Every folder is compared with the ledger this often; 0 is never.',
  },
  {
    name: 'IMAP_DATA_AGE_LIMIT_MS',
    text: 'A folder whose mail server has not proven for this long that everything is here is stale.',
  },
  { name: 'IMAP_FETCH_DELAY_MS', text: 'Pause between batches, for servers that throttle.' },
  { name: 'IMAP_OAUTH_AUTH_MECHANISM', text: 'How an access token is presented.' },
  {
    name: 'IMAP_EVENT_CHANNEL_BY_TENANT',
    text: 'A stream for each tenant instead of one for all. The same for every process.',
  },
  { name: 'IMAP_MAX_ATTACHMENT_BYTES', text: 'A larger attachment stays in the raw message only.' },
  { name: 'IMAP_MAX_TOTAL_ATTACHMENT_BYTES', text: 'The same for all attachments of a message together.' },
  { name: 'IMAP_MAX_ATTACHMENT_COUNT', text: 'More attachments than this stay in the raw message only.' },
  { name: 'IMAP_MAX_RAW_MIME_BYTES', text: 'A larger message is stored, but only its headers are read.' },
  { name: 'MAIL_PARSER_THREADS', text: 'Threads that parse messages.' },
  { name: 'MAIL_PARSE_TIMEOUT_MS', text: 'A message that takes longer is read in headers only.' },
  {
    name: 'SPOOL_DIR',
    text: 'Where large messages wait to be parsed. Default: mailstream-spool in the temporary folder.',
    shown: '',
  },
  // Worker
  { name: 'WORKER_CONCURRENCY', text: 'Entries handled at the same time.' },
  {
    name: 'WORKER_TENANT_CONCURRENCY',
    text: 'Entries of one tenant handled at the same time. Default: half of WORKER_CONCURRENCY.',
    shown: '4',
  },
  {
    name: 'WORKER_READ_AHEAD',
    text: 'Entries in hand, all but a few of them as ids, at which a worker stops reading.',
  },
  { name: 'WORKER_BATCH', text: 'Entries read from the stream at once.' },
  { name: 'WORKER_BLOCK_MS', text: 'How long a read of the stream waits for entries.' },
  { name: 'WORKER_STREAM_REFRESH_MS', text: 'How often new streams of tenants are looked for.' },
  { name: 'WORKER_HANDLING_DEADLINE_MS', text: 'Patience with the handling of one entry.' },
  { name: 'WORKER_VISIBILITY_MS', text: 'An entry that nobody finished for so long goes to another worker.' },
  { name: 'WORKER_MAX_ATTEMPTS', text: 'Attempts before an entry becomes a dead letter.' },
  { name: 'WORKER_RETRY_BASE_MS', text: 'Delay after the first failed attempt; it doubles with each.' },
  {
    name: 'WORKER_ALERT_URL',
    text: 'Told of new dead letters by POST: counts and codes, never content. https, or http in EGRESS_ALLOW_CIDRS.',
  },
  { name: 'WORKER_ALERT_SECRET', text: 'Signs those requests; at least 16 characters.' },
  { name: 'WORKER_ALERT_INTERVAL_MS', text: 'Alerts of so long are sent as one.' },
  // Sending
  { name: 'WORKER_MAIL_CONCURRENCY', text: 'Mails that one worker sends at the same time.' },
  {
    name: 'WORKER_MAIL_MAX_ATTEMPTS',
    text: 'Attempts before a mail counts as failed; what the server refuses for good counts at once.',
  },
  {
    name: 'WORKER_MAIL_RETRY_BASE_MS',
    text: 'Delay after the first failed attempt to send; it doubles with each, up to an hour.',
  },
  {
    name: 'WORKER_MAIL_LEASE_MS',
    text: 'How long a mail belongs to the worker that sends it; after that another one does.',
  },
  { name: 'WORKER_MAIL_RELAY_MS', text: 'How often the database is asked for mails to send.' },
  {
    name: 'WORKER_MAIL_RELAY_AGAIN_MS',
    text: 'A mail that is not sent after so long is put into the queue again, in case that Redis lost it.',
  },
  // Jobs
  { name: 'WORKER_JOB_TICK_MS', text: 'How often the clock of the jobs is looked at.' },
  {
    name: 'WORKER_JOB_LEASE_MS',
    text: 'A run of a job whose worker is silent for so long is taken over by another one.',
  },
  {
    name: 'RETENTION_DAYS',
    text: 'What is older is removed by the retention job, where nothing can ask for it any more.',
  },
  {
    name: 'STORAGE_CLEANUP_DRY_RUN',
    text: 'The storage-cleanup job counts what nobody refers to any more, and removes nothing.',
  },
  // Traces; what is not here (compression, timeout) the exporter of OpenTelemetry reads by itself
  {
    name: 'OTEL_TRACES_EXPORTER',
    text: 'otlp sends a trace for each message, from the fetch to its ticket; none does not. Default: otlp where an endpoint is set, else none.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    text: 'Collector, for OTLP over HTTP; /v1/traces is added. Default: http://localhost:4318.',
  },
  { name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', text: 'The same with its whole path, in its place.' },
  { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', text: 'What is sent.' },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    text: 'Headers for the collector, such as a key: name=value with commas.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_CERTIFICATE',
    text: "File with the authorities (PEM) that signed the collector's certificate.",
  },
  {
    name: 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
    text: 'File with a certificate of ours, for a collector that asks for one.',
  },
  { name: 'OTEL_EXPORTER_OTLP_CLIENT_KEY', text: 'File with its key.' },
  {
    name: 'OTEL_TRACES_SAMPLER',
    text: 'Which messages have a trace. It follows from the event id, so all processes decide alike: give all of them the same.',
  },
  { name: 'OTEL_TRACES_SAMPLER_ARG', text: 'The share of them, for traceidratio.' },
  {
    name: 'OTEL_SERVICE_NAME',
    text: 'Name of the process in traces. Default: mailstream-email-service, mailstream-workflow-worker.',
  },
  { name: 'OTEL_RESOURCE_ATTRIBUTES', text: 'More about the process: name=value with commas.' },
  { name: 'OTEL_SDK_DISABLED', text: 'true switches traces off, whatever else is set.' },
  { name: 'OTEL_BSP_MAX_QUEUE_SIZE', text: 'Spans that wait to be sent; what is above it is dropped.' },
  { name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', text: 'Spans that are sent at once.' },
  { name: 'OTEL_BSP_SCHEDULE_DELAY', text: 'Longest wait of a span, milliseconds.' },
  { name: 'OTEL_BSP_EXPORT_TIMEOUT', text: 'Patience with the collector, milliseconds.' },
  // Server
  { name: 'PUBLIC_URL', text: 'Where browsers reach the server; cookies are Secure when it is https.' },
  { name: 'TRUSTED_PROXIES', text: 'Networks of reverse proxies whose X-Forwarded-For is believed.' },
  { name: 'SESSION_TTL_HOURS', text: 'A session ends so long after its last use.' },
  {
    name: 'LOGIN_LIMIT_PER_MINUTE',
    text: 'Login attempts from one address (IPv6: /64), and for one account.',
  },
  { name: 'PROVIDER_TEST_LIMIT_PER_MINUTE', text: 'Connection tests of one tenant.' },
];
