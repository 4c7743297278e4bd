/* oxlint-disable max-lines -- a table that is read and searched as a whole. */
/**
 * Every metric of every process, once: name, help, type, labels. Names begin with `mailstream_`, units are base units
 * (seconds, bytes), counters end in `_total`.
 *
 * Labels are bounded: states, kinds, codes, results. Never a tenant, provider, folder, host or address: a label value lives in
 * every scraper for ever, and one per mailbox would cost more than the mail.
 */

/** The only label names there are. */
export const METRIC_LABELS = [
  'state',
  'kind',
  'code',
  'result',
  'machine',
  'event',
  'dependency',
  'method',
  'route',
  'status',
  'status_class',
  'service',
  'version',
  'job',
] as const;

export type MetricLabel = (typeof METRIC_LABELS)[number];

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: `mailstream_${string}`;
  readonly help: string;
  readonly labels: readonly MetricLabel[];
  /** Upper bounds, in the unit of the name; only with `histogram`. */
  readonly buckets?: readonly number[];
}

const FAST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const SLOW_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600];
const BYTES = [1024, 8192, 65536, 262144, 1048576, 8388608, 33554432, 134217728, 536870912];

export const METRIC_TABLE = {
  buildInfo: {
    type: 'gauge',
    name: 'mailstream_build_info',
    help: 'Always 1; the version is in the label.',
    labels: ['service', 'version'],
  },
  dependencyUp: {
    type: 'gauge',
    name: 'mailstream_dependency_up',
    help: '1 when the last readiness check of this dependency passed.',
    labels: ['dependency'],
  },
  unexpectedEvents: {
    type: 'counter',
    name: 'mailstream_unexpected_event_total',
    help: 'Events a state machine did not expect in its state; it stayed as it was.',
    labels: ['machine', 'state', 'event'],
  },
  errors: {
    type: 'counter',
    name: 'mailstream_errors_total',
    help: 'Faults by code of the error catalogue.',
    labels: ['kind', 'code'],
  },

  // The daemon: ownership and listeners
  leases: {
    type: 'gauge',
    name: 'mailstream_leases',
    help: 'Provider leases of this instance by state.',
    labels: ['state'],
  },
  leaseTransitions: {
    type: 'counter',
    name: 'mailstream_lease_transitions_total',
    help: 'Leases taken (won) and given back (released).',
    labels: ['result'],
  },
  leaseRenewSeconds: {
    type: 'histogram',
    name: 'mailstream_lease_renew_seconds',
    help: 'Time of one renewal of all leases of this instance.',
    labels: ['result'],
    buckets: FAST_SECONDS,
  },
  noticesHeard: {
    type: 'gauge',
    name: 'mailstream_notices_heard',
    help: '1 while notices of other processes arrive; 0 behind a transaction pooler, where changes are looked for instead.',
    labels: [],
  },
  listeners: {
    type: 'gauge',
    name: 'mailstream_listeners',
    help: 'Folder listeners by state.',
    labels: ['state'],
  },
  connections: {
    type: 'gauge',
    name: 'mailstream_imap_connections',
    help: 'Open IMAP connections.',
    labels: [],
  },
  connects: {
    type: 'counter',
    name: 'mailstream_imap_connects_total',
    help: 'Attempts to connect and log in by result (connected, or a code).',
    labels: ['result'],
  },
  reconnects: {
    type: 'counter',
    name: 'mailstream_imap_reconnects_total',
    help: 'Connections that ended and are made anew, by the code of what ended them.',
    labels: ['code'],
  },
  connectSeconds: {
    type: 'histogram',
    name: 'mailstream_imap_connect_seconds',
    help: 'Time from dialling to the open folder.',
    labels: ['result'],
    buckets: SLOW_SECONDS,
  },
  tokenRefreshes: {
    type: 'counter',
    name: 'mailstream_oauth_refreshes_total',
    help: 'Refreshes of OAuth access tokens by result (refreshed, or a code).',
    labels: ['result'],
  },

  // The daemon: ingest
  messages: {
    type: 'counter',
    name: 'mailstream_messages_total',
    help: 'Messages by what became of them: in the ledger (received, skipped, dead_letter), on the stream (published, or duplicate where it was there already).',
    labels: ['result'],
  },
  messageBytes: {
    type: 'histogram',
    name: 'mailstream_message_size_bytes',
    help: 'Size of raw messages.',
    labels: [],
    buckets: BYTES,
  },
  fetchSeconds: {
    type: 'histogram',
    name: 'mailstream_fetch_seconds',
    help: 'Time that the mail server took for the messages of one batch.',
    labels: ['result'],
    buckets: SLOW_SECONDS,
  },
  parseSeconds: {
    type: 'histogram',
    name: 'mailstream_parse_seconds',
    help: 'Time to hash, store and parse one message.',
    labels: ['result'],
    buckets: FAST_SECONDS,
  },
  recordSeconds: {
    type: 'histogram',
    name: 'mailstream_record_seconds',
    help: 'Time of the transaction that records one batch.',
    labels: ['result'],
    buckets: FAST_SECONDS,
  },
  publishSeconds: {
    type: 'histogram',
    name: 'mailstream_publish_seconds',
    help: 'Time to append one batch to the stream.',
    labels: ['result'],
    buckets: FAST_SECONDS,
  },
  visibleToPublishedSeconds: {
    type: 'histogram',
    name: 'mailstream_visible_to_published_seconds',
    help: 'Time from the first hint of the mail server that a message is there to its entry on the stream. A backlog is not counted.',
    labels: [],
    buckets: SLOW_SECONDS,
  },
  recoveries: {
    type: 'counter',
    name: 'mailstream_recovered_messages_total',
    help: 'Messages that a recovery took up again: unpublished (recorded, without a mark that they are on the stream), lost (a store lost their event).',
    labels: ['kind'],
  },
  folderDataAge: {
    type: 'gauge',
    name: 'mailstream_folder_data_age_seconds',
    help: 'Time since the mail server last proved that everything is here: the oldest folder of this instance in each listener state.',
    labels: ['state'],
  },
  foldersStale: {
    type: 'gauge',
    name: 'mailstream_folders_stale',
    help: 'Folders of this instance whose data age is over IMAP_DATA_AGE_LIMIT_MS, by listener state.',
    labels: ['state'],
  },
  staleReconnects: {
    type: 'counter',
    name: 'mailstream_stale_reconnects_total',
    help: 'Connections that looked alive and were made anew because the data behind them was too old.',
    labels: [],
  },
  unseenMessages: {
    type: 'gauge',
    name: 'mailstream_unseen_messages',
    help: 'Messages that mail servers list for folders of this instance and the ledger does not have yet.',
    labels: [],
  },
  unseenOldestAge: {
    type: 'gauge',
    name: 'mailstream_unseen_oldest_age_seconds',
    help: 'How long the longest waiting unseen message has been waiting; 0 when none waits.',
    labels: [],
  },
  unseenNewestAge: {
    type: 'gauge',
    name: 'mailstream_unseen_newest_age_seconds',
    help: 'How long the newest unseen message has been waiting, the largest over all folders; 0 when none waits.',
    labels: [],
  },
  holes: {
    type: 'gauge',
    name: 'mailstream_holes',
    help: 'Messages the mail servers listed but did not deliver yet.',
    labels: [],
  },
  streamLength: {
    type: 'gauge',
    name: 'mailstream_stream_length',
    help: 'Entries in the event streams that this instance writes to.',
    labels: [],
  },
  streamBacklog: {
    type: 'gauge',
    name: 'mailstream_stream_backlog',
    help: 'Of them, those that the slowest consumer group has not acknowledged yet. At its limit fetching pauses.',
    labels: [],
  },
  streamTrimmed: {
    type: 'counter',
    name: 'mailstream_stream_trimmed_total',
    help: 'Entries removed from the streams, an hour behind what every group has acknowledged.',
    labels: [],
  },
  redisMemoryRatio: {
    type: 'gauge',
    name: 'mailstream_redis_memory_ratio',
    help: 'Share of its maxmemory that Redis uses, 0 where it has no limit. At its limit fetching pauses.',
    labels: [],
  },
  storageFreeBytes: {
    type: 'gauge',
    name: 'mailstream_storage_free_bytes',
    help: 'Space left for messages, in the storage or the spool, whichever has less. Not set for object storage.',
    labels: [],
  },
  backpressure: {
    type: 'gauge',
    name: 'mailstream_backpressure',
    help: '1 while fetching pauses because this is full or takes nothing (stream, redis, storage).',
    labels: ['kind'],
  },
  auditMissing: {
    type: 'gauge',
    name: 'mailstream_audit_missing',
    help: 'Messages that mail servers showed at the last audits and that are not in the ledger although they were asked for. Should be 0.',
    labels: [],
  },
  auditFound: {
    type: 'counter',
    name: 'mailstream_audit_found_total',
    help: 'Messages that were missing in the ledger and that an audit fetched and published.',
    labels: [],
  },
  auditSeconds: {
    type: 'histogram',
    name: 'mailstream_audit_seconds',
    help: 'Time of the audit of one folder.',
    labels: [],
    buckets: SLOW_SECONDS,
  },
  deadLetters: {
    type: 'counter',
    name: 'mailstream_dead_letters_total',
    help: 'Messages and entries that were given up on, by reason code.',
    labels: ['code'],
  },

  // The worker
  entries: {
    type: 'counter',
    name: 'mailstream_worker_entries_total',
    help: 'Stream entries by what became of them (ticket, comment, skipped, duplicate, dead_letter, retried, ...).',
    labels: ['result'],
  },
  entrySeconds: {
    type: 'histogram',
    name: 'mailstream_worker_entry_seconds',
    help: 'Time from taking an entry up to its acknowledgement.',
    labels: ['result'],
    buckets: FAST_SECONDS,
  },
  entryDelaySeconds: {
    type: 'histogram',
    name: 'mailstream_worker_entry_delay_seconds',
    help: 'Age of an entry when its effect was committed.',
    labels: [],
    buckets: SLOW_SECONDS,
  },
  ruleSeconds: {
    type: 'histogram',
    name: 'mailstream_worker_rule_seconds',
    help: 'Time that the rules of a tenant took for one mail; of tenants that have rules.',
    labels: [],
    buckets: FAST_SECONDS,
  },
  ruleFaults: {
    type: 'counter',
    name: 'mailstream_worker_rule_faults_total',
    help: 'Rules that were passed over (broken: not a rule, counted at each reading; failed: ended with an error on a mail) or not certain of a mail (uncertain).',
    labels: ['kind'],
  },
  entriesInHand: {
    type: 'gauge',
    name: 'mailstream_worker_entries_in_hand',
    help: 'Entries read and not settled yet.',
    labels: [],
  },
  entriesClaimed: {
    type: 'counter',
    name: 'mailstream_worker_entries_claimed_total',
    help: 'Entries taken over from a consumer that left them.',
    labels: [],
  },
  deadLettersOpen: {
    type: 'gauge',
    name: 'mailstream_dead_letters_open',
    help: 'Dead letters of the worker that nobody has replayed or discarded, over all tenants.',
    labels: [],
  },
  replays: {
    type: 'counter',
    name: 'mailstream_dead_letter_replays_total',
    help: 'Dead letters put back on their stream.',
    labels: [],
  },
  alerts: {
    type: 'counter',
    name: 'mailstream_alerts_total',
    help: 'Alerts about dead letters by whether the hook took them.',
    labels: ['result'],
  },
  groupResets: {
    type: 'counter',
    name: 'mailstream_worker_group_resets_total',
    help: 'Times the consumer group had to be made anew because Redis had lost it.',
    labels: [],
  },
  entriesDeletedUnread: {
    type: 'counter',
    name: 'mailstream_worker_entries_deleted_unread_total',
    help: 'Pending entries that were gone from the stream: somebody trimmed what was not acknowledged.',
    labels: [],
  },
  groupLag: {
    type: 'gauge',
    name: 'mailstream_worker_group_lag',
    help: 'Entries of all streams that no worker has read yet.',
    labels: [],
  },
  groupPending: {
    type: 'gauge',
    name: 'mailstream_worker_group_pending',
    help: 'Entries that were read and not acknowledged yet.',
    labels: [],
  },

  // Sending and jobs
  outboundSent: {
    type: 'counter',
    name: 'mailstream_outbound_attempts_total',
    help: 'Attempts to send a mail by kind of mail and result (sent, retry, failed, delayed).',
    labels: ['kind', 'result'],
  },
  outboundFaults: {
    type: 'counter',
    name: 'mailstream_outbound_faults_total',
    help: 'Attempts to send that did not succeed, by code.',
    labels: ['code'],
  },
  outboundSeconds: {
    type: 'histogram',
    name: 'mailstream_outbound_delay_seconds',
    help: 'From the moment a mail was queued to the moment the server took it.',
    labels: ['kind'],
    buckets: SLOW_SECONDS,
  },
  outboundWaiting: {
    type: 'gauge',
    name: 'mailstream_outbound_waiting',
    help: 'Mails that are queued or being sent, of all tenants.',
    labels: [],
  },
  jobRuns: {
    type: 'counter',
    name: 'mailstream_job_runs_total',
    help: 'Runs of jobs by job and result (done, failed, skipped).',
    labels: ['job', 'result'],
  },
  storageObjects: {
    type: 'counter',
    name: 'mailstream_storage_cleanup_objects_total',
    help: 'Stored objects by what the cleanup did (looked_at, unreferenced, set_aside, restored, removed).',
    labels: ['result'],
  },
  storageBytes: {
    type: 'counter',
    name: 'mailstream_storage_cleanup_bytes_total',
    help: 'Bytes of the objects that nobody refers to, and of those that were removed (unreferenced, removed).',
    labels: ['result'],
  },
  jobSeconds: {
    type: 'histogram',
    name: 'mailstream_job_seconds',
    help: 'How long a run of a job took.',
    labels: ['job'],
    buckets: SLOW_SECONDS,
  },

  tenantsOverQuota: {
    type: 'gauge',
    name: 'mailstream_tenants_over_quota',
    help: 'Tenants whose mail this instance does not fetch because a limit of theirs is reached, by its code.',
    labels: ['code'],
  },
  traceSpans: {
    type: 'counter',
    name: 'mailstream_trace_spans_total',
    help: 'Spans that were sent to the collector of traces, or dropped because it did not take them.',
    labels: ['result'],
  },

  // The server
  mailboxesFailing: {
    type: 'gauge',
    name: 'mailstream_installation_mailboxes_failing',
    help: 'Mailboxes that are switched on and do not work, by the code of why.',
    labels: ['code'],
  },
  unpublished: {
    type: 'gauge',
    name: 'mailstream_installation_unpublished',
    help: 'Recorded messages that are not on the stream yet, by the database, also while no instance of the daemon runs.',
    labels: [],
  },
  unpublishedAge: {
    type: 'gauge',
    name: 'mailstream_installation_unpublished_age_seconds',
    help: 'How long the oldest of them has been recorded; 0 when there is none.',
    labels: [],
  },
  dataAgeMax: {
    type: 'gauge',
    name: 'mailstream_installation_data_age_max_seconds',
    help: 'Data age of the oldest watched folder by the database, also while no instance of the daemon runs.',
    labels: [],
  },
  dataAgeStale: {
    type: 'gauge',
    name: 'mailstream_installation_folders_stale',
    help: 'Watched folders over IMAP_DATA_AGE_LIMIT_MS by the database, also while no instance of the daemon runs; without those of mailboxes whose login is refused.',
    labels: [],
  },
  httpRequests: {
    type: 'counter',
    name: 'mailstream_http_requests_total',
    help: 'Requests by method, route pattern and status.',
    labels: ['method', 'route', 'status'],
  },
  httpSeconds: {
    type: 'histogram',
    name: 'mailstream_http_request_seconds',
    help: 'Time to answer a request.',
    labels: ['method', 'route'],
    buckets: FAST_SECONDS,
  },
  quotaRefusals: {
    type: 'counter',
    name: 'mailstream_quota_refusals_total',
    help: 'Requests that were refused because a limit of their tenant is reached, by its code.',
    labels: ['code'],
  },
  eventStreams: {
    type: 'gauge',
    name: 'mailstream_http_event_streams',
    help: 'Open server-sent event streams.',
    labels: [],
  },
  logins: {
    type: 'counter',
    name: 'mailstream_logins_total',
    help: 'Logins of people by result.',
    labels: ['result'],
  },
} as const satisfies Record<string, MetricDefinition>;
