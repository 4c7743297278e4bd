// What the dashboard of helm/dashboards shows; `generated-dashboard.mjs` makes Grafana's form of it.

/** In every expression, so that one Grafana can show several installations. */
const WHERE = 'namespace=~"$namespace"';
const LOGIN_CODES =
  'IMAP_AUTH_REJECTED|IMAP_AUTH_MECHANISM|IMAP_CREDENTIALS_MISSING|OAUTH_REAUTHORIZE|OAUTH_CLIENT_REJECTED|SECRET_UNREADABLE';

/** @param {string} name @param {string} [labels] */
const of = (name, labels) => `mailstream_${name}{${labels === undefined ? '' : `${labels}, `}${WHERE}}`;
/** @param {string} name @param {string} by @param {string} [labels] */
const perSecond = (name, by, labels) => `sum by (${by}) (rate(${of(name, labels)}[$__rate_interval]))`;
/** @param {number} share @param {string} name @param {string} [labels] */
const quantile = (share, name, labels) =>
  `histogram_quantile(${share}, sum by (le) (rate(${of(`${name}_bucket`, labels)}[$__rate_interval])))`;
/** @param {string} name @param {string} what @param {string} [labels] @returns {[string, string][]} */
const spread = (name, what, labels) => [
  [quantile(0.5, name, labels), `${what}, median`],
  [quantile(0.99, name, labels), `${what}, p99`],
];

/**
 * One panel: what it is called, what it tells, its unit, its expressions with the names of their lines; `isStat` is one number, red above
 * `badAbove`.
 * @typedef {{ title: string, text: string, unit: string, lines: [expr: string, legend: string][], isStat?: boolean, badAbove?: number }} Panel
 * @typedef {{ title: string, panels: Panel[] }} Row
 */

/** @type {Row[]} */
export const ROWS = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Published',
        text: 'Messages that became an event.',
        unit: 'short',
        isStat: true,
        lines: [[`60 * sum(rate(${of('messages_total', 'result="published"')}[5m]))`, 'a minute']],
      },
      {
        title: 'Missing by audit',
        text: 'Messages that mail servers show and that are not in the ledger. The one number that must be 0.',
        unit: 'short',
        isStat: true,
        badAbove: 0,
        lines: [[`sum(${of('audit_missing')})`, 'messages']],
      },
      {
        title: 'Silent folders',
        text: 'Nothing has proven for longer than IMAP_DATA_AGE_LIMIT_MS that everything is here. Without mailboxes whose login is refused.',
        unit: 'short',
        isStat: true,
        badAbove: 0,
        lines: [[`max(${of('installation_folders_stale')})`, 'folders']],
      },
      {
        title: 'Logins refused',
        text: 'Mailboxes that wait for a password, a permission or a key.',
        unit: 'short',
        isStat: true,
        badAbove: 0,
        lines: [
          [
            `sum(max by (code) (${of('installation_mailboxes_failing', `code=~"${LOGIN_CODES}"`)})) or vector(0)`,
            'mailboxes',
          ],
        ],
      },
      {
        title: 'Open dead letters',
        text: 'Of the worker; nobody has replayed or discarded them.',
        unit: 'short',
        isStat: true,
        badAbove: 0,
        lines: [[`max(${of('dead_letters_open')})`, 'letters']],
      },
      {
        title: 'Processes',
        text: 'That answer Prometheus.',
        unit: 'short',
        isStat: true,
        lines: [[`count by (service) (${of('build_info')})`, '{{service}}']],
      },
    ],
  },
  {
    title: 'Throughput',
    panels: [
      {
        title: 'Messages',
        text: 'In the ledger: received, skipped, dead_letter. On the stream: published, duplicate.',
        unit: 'ops',
        lines: [[perSecond('messages_total', 'result'), '{{result}}']],
      },
      {
        title: 'Worker',
        text: 'Entries of the stream by what became of them.',
        unit: 'ops',
        lines: [[perSecond('worker_entries_total', 'result'), '{{result}}']],
      },
      {
        title: 'Outgoing mail',
        text: 'Attempts to send.',
        unit: 'ops',
        lines: [[perSecond('outbound_attempts_total', 'result'), '{{result}}']],
      },
    ],
  },
  {
    title: 'Latency',
    panels: [
      {
        title: 'From the mail server to the ticket',
        text: 'First hint of the mail server to the entry on the stream, and the age of an entry when its ticket was committed.',
        unit: 's',
        lines: [
          ...spread('visible_to_published_seconds', 'hint to stream'),
          ...spread('worker_entry_delay_seconds', 'stream to ticket'),
        ],
      },
      {
        title: 'Steps of a batch, p99',
        text: 'Fetch: waiting for the mail server. Parse: hash, store and parse one message. Record: the transaction. Publish: the stream.',
        unit: 's',
        lines: [
          [quantile(0.99, 'fetch_seconds'), 'fetch'],
          [quantile(0.99, 'parse_seconds'), 'parse'],
          [quantile(0.99, 'record_seconds'), 'record'],
          [quantile(0.99, 'publish_seconds'), 'publish'],
        ],
      },
      {
        title: 'API',
        text: 'Time to answer a request.',
        unit: 's',
        lines: spread('http_request_seconds', 'answer'),
      },
    ],
  },
  {
    title: 'Lag and data age',
    panels: [
      {
        title: 'Oldest data',
        text: 'How long ago a mail server last proved that everything is here: the oldest folder, by the database and by listener state.',
        unit: 's',
        lines: [
          [`max(${of('installation_data_age_max_seconds')})`, 'installation'],
          [`max by (state) (${of('folder_data_age_seconds')})`, '{{state}}'],
        ],
      },
      {
        title: 'Oldest message on its way',
        text: 'Listed and not in the ledger; recorded and not on the stream.',
        unit: 's',
        lines: [
          [`max(${of('unseen_oldest_age_seconds')})`, 'in the mailbox'],
          [`max(${of('installation_unpublished_age_seconds')})`, 'in the ledger'],
        ],
      },
      {
        title: 'Messages on their way',
        text: 'In mailboxes, in the ledger, on the stream unread, in the hands of workers; holes are listed and not delivered.',
        unit: 'short',
        lines: [
          [`sum(${of('unseen_messages')})`, 'in mailboxes'],
          [`max(${of('installation_unpublished')})`, 'in the ledger'],
          [`max(${of('worker_group_lag')})`, 'on the stream'],
          [`max(${of('worker_group_pending')})`, 'in hand'],
          [`sum(${of('holes')})`, 'holes'],
          [`max(${of('outbound_waiting')})`, 'to be sent'],
        ],
      },
    ],
  },
  {
    title: 'Leases and connections',
    panels: [
      {
        title: 'Lease churn',
        text: 'Mailboxes that were taken and given back. Outside of deployments both are 0.',
        unit: 'short',
        lines: [
          [`sum by (result) (increase(${of('lease_transitions_total')}[5m]))`, '{{result}} in 5 minutes'],
        ],
      },
      {
        title: 'Leases held',
        text: 'By instance: the shares should be alike.',
        unit: 'short',
        lines: [[`sum by (instance) (${of('leases', 'state="held"')})`, '{{instance}}']],
      },
      {
        title: 'Renewal of leases, p99',
        text: 'One statement for all leases of an instance.',
        unit: 's',
        lines: [[quantile(0.99, 'lease_renew_seconds'), 'renewal']],
      },
      {
        title: 'Listeners',
        text: 'Folders by what their listener is doing.',
        unit: 'short',
        lines: [
          [`sum by (state) (${of('listeners')})`, '{{state}}'],
          [`sum(${of('imap_connections')})`, 'connections'],
        ],
      },
      {
        title: 'Connects',
        text: 'Attempts to connect and log in; connections that ended, by why.',
        unit: 'short',
        lines: [
          [`sum by (result) (increase(${of('imap_connects_total')}[5m]))`, '{{result}}'],
          [`sum by (code) (increase(${of('imap_reconnects_total')}[5m]))`, 'ended: {{code}}'],
        ],
      },
      {
        title: 'Time to connect',
        text: 'From dialling to the open folder.',
        unit: 's',
        lines: spread('imap_connect_seconds', 'connect', 'result="connected"'),
      },
    ],
  },
  {
    title: 'Faults',
    panels: [
      {
        title: 'Mailboxes that do not work',
        text: 'By the code of why; what each means and what to do stands in the guide to troubleshooting.',
        unit: 'short',
        lines: [[`max by (code) (${of('installation_mailboxes_failing')})`, '{{code}}']],
      },
      {
        title: 'Dead letters',
        text: 'Given up on within an hour, by reason.',
        unit: 'short',
        lines: [[`sum by (code) (increase(${of('dead_letters_total')}[1h]))`, '{{code}}']],
      },
      {
        title: 'OAuth refreshes',
        text: 'Access tokens that were renewed, or not.',
        unit: 'short',
        lines: [[`sum by (result) (increase(${of('oauth_refreshes_total')}[1h]))`, '{{result}}']],
      },
      {
        title: 'Found by audits, taken up again',
        text: 'Not 0: something was lost and is mended. Recoveries after faults of PostgreSQL and Redis, and audits that fetched something.',
        unit: 'short',
        lines: [
          [`sum(increase(${of('audit_found_total')}[1h]))`, 'found by an audit'],
          [`sum by (kind) (increase(${of('recovered_messages_total')}[1h]))`, '{{kind}}'],
        ],
      },
      {
        title: 'Faults',
        text: 'Of listeners, by code.',
        unit: 'short',
        lines: [[`sum by (code) (increase(${of('errors_total')}[5m]))`, '{{code}}']],
      },
      {
        title: 'Dependencies',
        text: '1 while each process reaches it.',
        unit: 'short',
        lines: [[`min by (dependency) (${of('dependency_up')})`, '{{dependency}}']],
      },
    ],
  },
  {
    title: 'When something is full',
    panels: [
      {
        title: 'Back-pressure',
        text: '1 while fetching pauses because this is full or takes nothing. The mailbox is the queue.',
        unit: 'short',
        lines: [[`max by (kind) (${of('backpressure')})`, '{{kind}}']],
      },
      {
        title: 'Stream',
        text: 'Entries, and those that the slowest consumer group has not acknowledged.',
        unit: 'short',
        lines: [
          [`max(${of('stream_length')})`, 'entries'],
          [`max(${of('stream_backlog')})`, 'not acknowledged'],
        ],
      },
      {
        title: 'Memory of Redis',
        text: 'Share of its maxmemory; 0 where it has no limit.',
        unit: 'percentunit',
        lines: [[`max(${of('redis_memory_ratio')})`, 'used']],
      },
      {
        title: 'Storage left',
        text: 'In storage or spool, whichever has less. Object storage has no limit.',
        unit: 'bytes',
        lines: [[`min(${of('storage_free_bytes')})`, 'free']],
      },
      {
        title: 'Memory of processes',
        text: 'Resident.',
        unit: 'bytes',
        lines: [
          [
            `max by (instance) (process_resident_memory_bytes{${WHERE}} * on (instance) group_left () mailstream_build_info{${WHERE}})`,
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Event loop lag of processes, p99',
        text: 'Above half a second a process has too much to do.',
        unit: 's',
        lines: [
          [
            `max by (instance) (nodejs_eventloop_lag_p99_seconds{${WHERE}} * on (instance) group_left () mailstream_build_info{${WHERE}})`,
            '{{instance}}',
          ],
        ],
      },
    ],
  },
];
