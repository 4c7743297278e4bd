/** The only reader of the environment of the worker. Everything is checked before a socket is opened; all problems at once. */
import { parseAllowList } from '@mailstream/shared/net/allow-list';
import type { DatabaseOptions } from '@mailstream/shared/db/database';
import { databaseUrlProblem } from '@mailstream/shared/db/connection-settings';
import { EnvReader } from '@mailstream/shared/runtime/env';
import { redisUrlProblem } from '@mailstream/shared/runtime/redis';
import { REDIS_SCHEMES } from '@mailstream/shared/runtime/redis-url';
import type { SecretPlugIn } from '@mailstream/shared/secrets/secret-places';
import { readTraceSettings, type TraceSettings } from '@mailstream/shared/tracing/trace-settings';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import { readMailConfig, type MailConfig } from './outbound/mail-config.ts';

export interface Config {
  readonly database: Pick<DatabaseOptions, 'url' | 'isCitus'>;
  readonly databasePoolMax: number;
  readonly redisUrl: string;
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Events are on a stream for each tenant, besides the global one. */
  readonly channelByTenant: boolean;
  readonly streamRefreshMs: number;
  /** Entries handled at the same time. */
  readonly concurrency: number;
  /** The same of one tenant. */
  readonly tenantConcurrency: number;
  /** Entries in hand, mostly as ids, at which reading pauses. */
  readonly readAhead: number;
  /** Most entries per read. */
  readonly batch: number;
  /** Longest statement while an entry is handled. */
  readonly handlingDeadlineMs: number;
  /** An entry that its worker left alone for this long is taken over. */
  readonly visibilityMs: number;
  /** After so many failed attempts an entry becomes a dead letter. */
  readonly maxAttempts: number;
  /** Delay after the first failed attempt; it doubles with each. */
  readonly retryBaseMs: number;
  /** Where to tell of dead letters; null tells nobody. */
  readonly alert: { readonly url: string; readonly secret: string; readonly everyMs: number } | null;
  /** How often jobs are looked after. */
  readonly jobTickMs: number;
  readonly jobLeaseMs: number;
  /** What is older may be removed, where nothing can ask for it any more. */
  readonly retentionDays: number;
  /** Where raw mails and attachments are. */
  readonly storageUrl: string;
  /** The cleanup of the storage counts what it would remove, and removes nothing. */
  readonly storageCleanupDryRun: boolean;
  /** Null where nothing is sent. */
  readonly mail: MailConfig | null;
  readonly egressAllowCidrs: readonly string[];
  readonly egressAllowPorts: readonly number[];
  /** How long a read waits for new entries. */
  readonly blockMs: number;
  /** Null where no traces are sent. */
  readonly traces: TraceSettings | null;
}

/** Besides the handlers: an entry that had failed, discovery, readiness, dead letters. */
const EXTRA_CONNECTIONS = 4;

/**
 * @param plugIns more places for secrets, of whoever starts the process
 * @throws ConfigError that lists every problem.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  plugIns: readonly SecretPlugIn[] = [],
): Config {
  const env = new EnvReader(environment);
  const concurrency = env.integer('WORKER_CONCURRENCY', { default: 8, min: 1, max: 256 });
  const config: Config = {
    database: {
      url: env.url('DATABASE_URL', {
        protocols: ['postgres', 'postgresql'],
        problemOf: databaseUrlProblem,
      }),
      isCitus: env.boolean('DATABASE_IS_CITUS', { default: false }),
    },
    databasePoolMax: env.integer('DATABASE_POOL_MAX', {
      default: concurrency + EXTRA_CONNECTIONS,
      min: 2,
      max: 1000,
    }),
    redisUrl: env.url('REDIS_URL', { protocols: REDIS_SCHEMES, problemOf: redisUrlProblem }),
    port: env.integer('PORT', { default: 8081, min: 0, max: 65_535 }),
    logLevel: env.string('LOG_LEVEL', {
      default: 'info',
      oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
    }) as Config['logLevel'],
    channelByTenant: env.boolean('IMAP_EVENT_CHANNEL_BY_TENANT', { default: false }),
    streamRefreshMs: env.integer('WORKER_STREAM_REFRESH_MS', { default: 10_000, min: 100 }),
    concurrency,
    tenantConcurrency: env.integer('WORKER_TENANT_CONCURRENCY', {
      default: Math.ceil(concurrency / 2),
      min: 1,
      max: 256,
    }),
    readAhead: env.integer('WORKER_READ_AHEAD', { default: 200_000, min: 100, max: 10_000_000 }),
    batch: env.integer('WORKER_BATCH', { default: 64, min: 1, max: 1000 }),
    handlingDeadlineMs: env.integer('WORKER_HANDLING_DEADLINE_MS', { default: 10_000, min: 100 }),
    visibilityMs: env.integer('WORKER_VISIBILITY_MS', { default: 30_000, min: 300 }),
    maxAttempts: env.integer('WORKER_MAX_ATTEMPTS', { default: 5, min: 1, max: 100 }),
    retryBaseMs: env.integer('WORKER_RETRY_BASE_MS', { default: 30_000, min: 10, max: 3_600_000 }),
    alert: alertOf(env),
    jobTickMs: env.integer('WORKER_JOB_TICK_MS', { default: 1_000, min: 20, max: 60_000 }),
    jobLeaseMs: env.integer('WORKER_JOB_LEASE_MS', { default: 60_000, min: 300, max: 3_600_000 }),
    retentionDays: env.integer('RETENTION_DAYS', { default: 180, min: 1, max: 36_500 }),
    storageUrl: storageUrl(env),
    storageCleanupDryRun: env.boolean('STORAGE_CLEANUP_DRY_RUN', { default: false }),
    mail: readMailConfig(env, environment, plugIns),
    egressAllowCidrs: cidrs(env),
    egressAllowPorts: ports(env),
    blockMs: env.integer('WORKER_BLOCK_MS', { default: 2_000, min: 10, max: 60_000 }),
    traces: readTraceSettings(env, 'workflow-worker'),
  };
  if (config.visibilityMs < 2 * config.handlingDeadlineMs)
    env.problem(
      'WORKER_VISIBILITY_MS must be at least twice WORKER_HANDLING_DEADLINE_MS: a slow worker is not a dead one',
    );
  if (config.databasePoolMax < config.concurrency)
    env.problem('DATABASE_POOL_MAX must be at least WORKER_CONCURRENCY: each handler needs a connection');
  env.finish();
  return Object.freeze(config);
}

function alertOf(env: EnvReader): Config['alert'] {
  const everyMs = env.integer('WORKER_ALERT_INTERVAL_MS', { default: 60_000, min: 200, max: 86_400_000 });
  const secret = env.optionalString('WORKER_ALERT_SECRET');
  if (env.optionalString('WORKER_ALERT_URL') === undefined) return null;
  const url = env.url('WORKER_ALERT_URL', { protocols: ['https', 'http'] });
  if (secret === undefined || secret.length < 16)
    env.problem('WORKER_ALERT_SECRET must have at least 16 characters when WORKER_ALERT_URL is set');
  return { url, secret: secret ?? '', everyMs };
}

function storageUrl(env: EnvReader): string {
  const url = env.string('STORAGE_URL', { default: 'file:///var/lib/mailstream/storage' });
  try {
    createStorage(url);
  } catch (error) {
    env.problem(`STORAGE_URL is wrong: ${error instanceof Error ? error.message : 'not a URL'}`);
  }
  return url;
}

function cidrs(env: EnvReader): readonly string[] {
  const list = env.list('EGRESS_ALLOW_CIDRS', { default: [] });
  const parsed = parseAllowList(list, 'EGRESS_ALLOW_CIDRS');
  if (parsed.kind === 'problem') env.problem(parsed.text);
  return list;
}

function ports(env: EnvReader): readonly number[] {
  const list = env.list('EGRESS_ALLOW_PORTS', { default: [] }).map(Number);
  if (list.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    env.problem('EGRESS_ALLOW_PORTS must be a list of port numbers');
  return list;
}
