/**
 * Deliberate faults of the product, to prove that the oracle sees them in real processes.
 *
 * Each is a change of the built files of one frozen copy, by exact text: what ships has no switch for any of it, and a text that is
 * no longer there fails loudly. Where one guard stands behind another, a mutant takes both away: the first alone does no harm.
 */
import type { ScenarioName } from './scenarios.ts';
import type { Column } from './oracle.ts';

export interface Patch {
  /** Below the frozen build. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** What is broken, in words. */
  readonly what: string;
  readonly scenario: ScenarioName;
  /** At least one of these columns shows it. */
  readonly shows: readonly Column[];
  readonly patches: readonly Patch[];
}

const DAEMON = 'services/email-service/dist';
const WORKER = 'services/workflow-worker/dist';

/** Without the second look at what lies below the cursor, which mends most of what goes wrong above it. */
const NO_OVERLAP: readonly Patch[] = [
  {
    file: `${DAEMON}/core/sync-plan.js`,
    find: 'export const NARROW_OVERLAP = 100;',
    replace: 'export const NARROW_OVERLAP = 0;',
  },
  {
    file: `${DAEMON}/core/sync-plan.js`,
    find: 'export const WIDE_OVERLAP = 1000;',
    replace: 'export const WIDE_OVERLAP = 0;',
  },
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'cursor-first',
    what: 'the cursor moves in a transaction of its own, before the ledger rows',
    scenario: 'killed before the commit',
    shows: ['lost'],
    patches: [
      ...NO_OVERLAP,
      {
        file: `${DAEMON}/folder-ingest.js`,
        find: 'const work = new MessageRun(',
        replace: `const early = { ...cursor.state, lastUid: Math.max(cursor.state.lastUid, ...run.uids) };
            await this.#deps.ledger.putFolderState(this.#folder, this.#term, early, cursor.expected);
            cursor.committed(early, []);
            const work = new MessageRun(`,
      },
    ],
  },
  {
    name: 'no-recovery',
    what: 'rows without a mark are not published again',
    scenario: 'killed after the commit',
    shows: ['lost'],
    patches: [
      {
        file: `${DAEMON}/folder-publication.js`,
        find: 'const isPublished = !isUnpublished || (await this.#publishUnmarked(mark, signal));',
        replace: 'const isPublished = true;',
      },
    ],
  },
  {
    name: 'no-watermark',
    what: 'the append script does not look whether the entry is there',
    scenario: 'killed after the publish',
    shows: ['duplicated stream'],
    patches: [
      {
        file: `${DAEMON}/adapters/redis-publisher.js`,
        find: "if seq <= mark then return {'duplicate'} end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'event-id-of-process',
    what: 'the id of an event depends on the process that makes it',
    scenario: 'killed after the commit',
    shows: ['duplicated effect', 'unsettled'],
    patches: [
      {
        file: 'shared/dist/events/email-received.js',
        find: 'JSON.stringify([key.tenant,',
        replace: 'JSON.stringify([process.pid, key.tenant,',
      },
    ],
  },
  {
    name: 'no-gap-check',
    what: 'the append script does not look whether an entry before it is missing',
    scenario: 'refused appends',
    shows: ['out of order', 'lost'],
    patches: [
      {
        file: `${DAEMON}/adapters/redis-publisher.js`,
        find: "if mark < tonumber(ARGV[3]) then return {'gap', tostring(mark)} end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'blind-publish',
    what: 'an append that failed counts as done',
    scenario: 'refused appends',
    shows: ['out of order', 'lost'],
    patches: [
      {
        file: `${DAEMON}/adapters/redis-publisher.js`,
        find: 'if (error !== null)\n        throw unavailable(error);',
        replace: "if (error !== null)\n        return { kind: 'duplicate' };",
      },
    ],
  },
  {
    name: 'no-reconciliation',
    what: 'published rows are not compared with the stream',
    scenario: 'redis emptied',
    shows: ['lost'],
    patches: [
      {
        file: `${DAEMON}/folder-publication.js`,
        find: 'if (isPublished && (!isAnyOpen || (await this.#reconcile(inHand, signal)))) {',
        replace: 'if (isPublished) {',
      },
    ],
  },
  {
    name: 'trim-by-length',
    what: 'the stream is cut to a length, whoever has not read it',
    scenario: 'workers away',
    shows: ['lost'],
    patches: [
      {
        file: `${DAEMON}/adapters/redis-publisher.js`,
        find: "redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))",
        replace: "redis.call('XADD', KEYS[1], 'MAXLEN', '=', '5', '*', unpack(ARGV, 4))",
      },
    ],
  },
  {
    name: 'no-gate',
    what: 'the worker makes an effect for each delivery',
    scenario: 'worker cut off',
    shows: ['duplicated effect'],
    patches: [
      { file: `${WORKER}/adapters/pg-inbox.js`, find: 'if (known.isProcessed) {', replace: 'if (false) {' },
      {
        file: `${WORKER}/adapters/pg-inbox-record.js`,
        find: 'ON CONFLICT (tenant, event_id) DO NOTHING\n  RETURNING tenant\n), met',
        replace:
          'ON CONFLICT (tenant, event_id) DO UPDATE SET tenant = excluded.tenant\n  RETURNING tenant\n), met',
      },
      {
        file: `${WORKER}/adapters/pg-inbox-record.js`,
        find: 'SELECT tenant, :commentId, id, :eventId, :messageId',
        replace: 'SELECT tenant, :commentId, id, CAST(NULL AS uuid), :messageId',
      },
    ],
  },
  {
    name: 'acknowledged-before-effect',
    what: 'the worker acknowledges an entry before its transaction',
    scenario: 'workers killed',
    shows: ['lost'],
    patches: [
      {
        file: `${WORKER}/entry-handler.js`,
        find: 'const result = await attempt(decoded.message, visit);',
        replace:
          'await untilTaken(() => source.acknowledge(entry));\n            const result = await attempt(decoded.message, visit);',
      },
    ],
  },
  {
    name: 'unseen-search',
    what: 'only messages without \\Seen are looked for',
    scenario: 'daemon away',
    shows: ['lost'],
    patches: [
      {
        file: `${DAEMON}/adapters/imap-session.js`,
        find: 'live.client.search(query, { uid: true })',
        replace: 'live.client.search({ ...query, seen: false }, { uid: true })',
      },
    ],
  },
  {
    name: 'last-n-window',
    what: 'only the newest five messages are looked at',
    scenario: 'daemon away',
    shows: ['lost'],
    patches: [
      {
        file: `${DAEMON}/adapters/imap-session.js`,
        find: 'return uids.filter((uid) => uid >= from || asked.has(uid));',
        replace: 'return uids.filter((uid) => uid >= from || asked.has(uid)).slice(-5);',
      },
    ],
  },
  {
    name: 'star-trap',
    what: 'UID n:* is believed, which always has the last message',
    scenario: 'daemon away',
    shows: ['phantom'],
    patches: [
      {
        file: `${DAEMON}/adapters/imap-session.js`,
        find: 'return uids.filter((uid) => uid >= from || asked.has(uid));',
        replace: 'return uids;',
      },
    ],
  },
  {
    name: 'newest-first',
    what: 'a batch takes the newest messages first',
    scenario: 'daemon away',
    shows: ['out of order'],
    patches: [
      {
        file: `${DAEMON}/core/sync-plan.js`,
        find: 'return { uids: fresh.slice(0, maxMessages), more',
        replace: 'return { uids: fresh.toReversed().slice(0, maxMessages), more',
      },
    ],
  },
  {
    name: 'foreign-tenant',
    what: 'events carry the tenant of the first one',
    scenario: 'daemon away',
    shows: ['cross-tenant'],
    patches: [
      {
        file: 'shared/dist/events/email-received.js',
        find: '        tenant: key.tenant,\n        timestamp',
        replace: '        tenant: (globalThis.firstTenant ??= key.tenant),\n        timestamp',
      },
    ],
  },
  {
    name: 'no-owner-check',
    what: 'the transaction of a batch looks neither at owner and epoch nor at the cursor it found',
    scenario: 'owner frozen',
    shows: ['stale write'],
    patches: [
      {
        file: `${DAEMON}/adapters/pg-ledger-sql.js`,
        find: 'AND email_provider_id = :provider AND lease_owner = :owner AND lease_epoch = :epoch',
        replace:
          'AND email_provider_id = :provider AND (true OR lease_owner = :owner OR lease_epoch = :epoch)',
      },
      {
        file: `${DAEMON}/adapters/pg-ledger-sql.js`,
        find: 'WHERE uid_validity = CAST(:expectedValidity AS text) AND last_uid = CAST(:expectedUid AS text)\n), input',
        replace:
          'WHERE true OR uid_validity = CAST(:expectedValidity AS text) AND last_uid = CAST(:expectedUid AS text)\n), input',
      },
    ],
  },
  {
    name: 'owner-of-process-name',
    what: 'instances are called by a name that they share',
    scenario: 'owner frozen',
    shows: ['two owners'],
    patches: [
      {
        file: `${DAEMON}/compose.js`,
        find: 'const owner = instanceId(randomUUID());',
        replace: "const owner = instanceId('00000000-0000-4000-8000-000000000001');",
      },
    ],
  },
  {
    name: 'release-before-quiet',
    what: 'a lease is given back while its listeners still work',
    scenario: 'busy handover',
    shows: ['two owners'],
    patches: [
      {
        file: `${DAEMON}/core/lease-machine.js`,
        find: "return windDown(state, 'yes', 'yielded');",
        replace:
          "return step({ kind: 'releasing', call: state.call + 1, epoch: state.epoch, then: 'yielded' }, [{ kind: 'drainListeners' }, { kind: 'release', call: state.call + 1, epoch: state.epoch }]);",
      },
    ],
  },
  {
    name: 'renewal-stamped-early',
    what: 'a term is trusted for longer although its renewal failed',
    scenario: 'database cut off',
    shows: ['two owners'],
    patches: [
      {
        file: `${DAEMON}/provider-supervisor.js`,
        find: 'nextMs = Math.min(RENEW_RETRY_MS, nextMs);',
        replace:
          "nextMs = Math.min(RENEW_RETRY_MS, nextMs);\n                for (const { runner, epoch } of leases) runner.send({ kind: 'renewed', epoch, trustedUntilMs: nowMs + deps.times.ttlMs - deps.times.marginMs });",
      },
    ],
  },
  {
    name: 'endless-trust',
    what: 'a term is trusted for ever',
    scenario: 'database cut off',
    shows: ['two owners'],
    patches: [
      {
        file: `${DAEMON}/core/lease-machine.js`,
        find: "return windDown(state, 'maybe', 'vacant');",
        replace: 'return step(state, []);',
      },
    ],
  },
];
