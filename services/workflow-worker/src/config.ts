/** The only reader of the environment of the worker. Everything is checked before a socket is opened; all problems at once. */
import { EnvReader } from '@mailstream/shared/runtime/env';

export interface Config {
  readonly databaseUrl: string;
  readonly databasePoolMax: number;
  readonly redisUrl: string;
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Events are on a stream for each tenant, besides the global one. */
  readonly channelByTenant: boolean;
  readonly streamRefreshMs: number;
  /** Entries handled at the same time. */
  readonly concurrency: number;
  /** Most entries per read. */
  readonly batch: number;
  /** Longest statement while an entry is handled. */
  readonly handlingDeadlineMs: number;
  /** An entry that its worker left alone for this long is taken over. */
  readonly visibilityMs: number;
  /** After so many failed attempts an entry becomes a dead letter. */
  readonly maxAttempts: number;
  /** How long a read waits for new entries. */
  readonly blockMs: number;
}

/** Besides the handlers: discovery, readiness, dead letters. */
const EXTRA_CONNECTIONS = 2;

/** @throws ConfigError that lists every problem. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const env = new EnvReader(environment);
  const concurrency = env.integer('WORKER_CONCURRENCY', { default: 8, min: 1, max: 256 });
  const config: Config = {
    databaseUrl: env.url('DATABASE_URL', { protocols: ['postgres', 'postgresql'] }),
    databasePoolMax: env.integer('DATABASE_POOL_MAX', {
      default: concurrency + EXTRA_CONNECTIONS,
      min: 2,
      max: 1000,
    }),
    redisUrl: env.url('REDIS_URL', { protocols: ['redis', 'rediss'] }),
    port: env.integer('PORT', { default: 8081, min: 0, max: 65_535 }),
    logLevel: env.string('LOG_LEVEL', {
      default: 'info',
      oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
    }) as Config['logLevel'],
    channelByTenant: env.boolean('IMAP_EVENT_CHANNEL_BY_TENANT', { default: false }),
    streamRefreshMs: env.integer('WORKER_STREAM_REFRESH_MS', { default: 10_000, min: 100 }),
    concurrency,
    batch: env.integer('WORKER_BATCH', { default: 64, min: 1, max: 1000 }),
    handlingDeadlineMs: env.integer('WORKER_HANDLING_DEADLINE_MS', { default: 10_000, min: 100 }),
    visibilityMs: env.integer('WORKER_VISIBILITY_MS', { default: 30_000, min: 300 }),
    maxAttempts: env.integer('WORKER_MAX_ATTEMPTS', { default: 5, min: 1, max: 100 }),
    blockMs: env.integer('WORKER_BLOCK_MS', { default: 2_000, min: 10, max: 60_000 }),
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
