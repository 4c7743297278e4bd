/** The only reader of the environment of the daemon. Everything is checked before a socket is opened; all problems at once. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseOptions } from '@mailstream/shared/db/database';
import { databaseUrlProblem } from '@mailstream/shared/db/connection-settings';
import { EnvReader } from '@mailstream/shared/runtime/env';
import { redisUrlProblem } from '@mailstream/shared/runtime/redis';
import { REDIS_SCHEMES } from '@mailstream/shared/runtime/redis-url';
import { parseAllowList } from '@mailstream/shared/net/allow-list';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import {
  readSecretPlaces,
  type SecretPlaces,
  type SecretPlugIn,
} from '@mailstream/shared/secrets/secret-places';
import { readTraceSettings, type TraceSettings } from '@mailstream/shared/tracing/trace-settings';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { IngestLimits } from './ports/mail.ts';

export interface Config {
  readonly database: Pick<DatabaseOptions, 'url' | 'isCitus'>;
  /** For LISTEN where the other goes through a transaction pooler. */
  readonly directDatabaseUrl: string;
  readonly redisUrl: string;
  readonly storageUrl: string;
  readonly secretsMasterKey: string;
  readonly secretPlaces: SecretPlaces;
  readonly port: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly egressAllowCidrs: readonly string[];
  readonly egressAllowPorts: readonly number[];
  readonly plaintextAllowCidrs: readonly string[];
  /** Connections of this process at once; 0 for no cap. */
  readonly maxConnectionsPerTenant: number;
  readonly maxConnectionsPerHost: number;
  readonly refreshMs: number;
  readonly leaseTtlMs: number;
  readonly timerJitter: number;
  readonly reconnectJitter: number;
  readonly startupStaggerMs: number;
  readonly pollIntervalMs: number;
  readonly idleRenewMs: number;
  readonly auditIntervalMs: number;
  readonly dataAgeLimitMs: number;
  readonly connectionTimeoutMs: number;
  readonly socketKeepalive: boolean;
  readonly maxEmailsPerSync: number;
  readonly fetchDelayMs: number;
  readonly oauthMechanism: 'XOAUTH2' | 'OAUTHBEARER';
  readonly channelByTenant: boolean;
  readonly limits: IngestLimits;
  readonly parserThreads: number;
  readonly parseTimeoutMs: number;
  readonly spoolDir: string;
  /** Entries of a stream that some consumer group has not acknowledged; above it nothing is fetched. */
  readonly streamMaxBacklog: number;
  readonly streamTrimIntervalMs: number;
  /** Share of Redis's maxmemory; above it nothing is fetched. */
  readonly redisMaxMemoryRatio: number;
  /** Null where no traces are sent. */
  readonly traces: TraceSettings | null;
}

const MIB = 1024 * 1024;

/**
 * @param plugIns more places for secrets, of whoever starts the process
 * @throws ConfigError that lists every problem.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  plugIns: readonly SecretPlugIn[] = [],
): Config {
  const env = new EnvReader(environment);
  const databaseUrl = env.url('DATABASE_URL', {
    protocols: ['postgres', 'postgresql'],
    problemOf: databaseUrlProblem,
  });
  const config: Config = {
    database: { url: databaseUrl, isCitus: env.boolean('DATABASE_IS_CITUS', { default: false }) },
    directDatabaseUrl: env.url('DATABASE_DIRECT_URL', {
      default: databaseUrl === '' ? 'postgres://unset' : databaseUrl,
      protocols: ['postgres', 'postgresql'],
      problemOf: databaseUrlProblem,
    }),
    redisUrl: env.url('REDIS_URL', { protocols: REDIS_SCHEMES, problemOf: redisUrlProblem }),
    storageUrl: env.string('STORAGE_URL', { default: 'file:///var/lib/mailstream/storage' }),
    secretsMasterKey: env.string('SECRETS_MASTER_KEY'),
    secretPlaces: readSecretPlaces(env, environment, plugIns),
    port: env.integer('PORT', { default: 8080, min: 0, max: 65_535 }),
    logLevel: env.string('LOG_LEVEL', {
      default: 'info',
      oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
    }) as Config['logLevel'],
    egressAllowCidrs: env.list('EGRESS_ALLOW_CIDRS', { default: [] }),
    egressAllowPorts: env.list('EGRESS_ALLOW_PORTS', { default: [] }).map(Number),
    plaintextAllowCidrs: env.list('IMAP_PLAINTEXT_ALLOW_CIDRS', { default: [] }),
    maxConnectionsPerTenant: env.integer('IMAP_MAX_CONNECTIONS_PER_TENANT', { default: 0 }),
    maxConnectionsPerHost: env.integer('IMAP_MAX_CONNECTIONS_PER_HOST', { default: 0 }),
    refreshMs: env.integer('IMAP_PROVIDER_REFRESH_MS', { default: 60_000, min: 1_000 }),
    leaseTtlMs: env.integer('IMAP_LEASE_TTL_MS', { default: 30_000, min: 2_000, max: 600_000 }),
    timerJitter: env.ratio('IMAP_TIMER_JITTER_PCT', { default: 0.1, max: 0.5 }),
    reconnectJitter: env.ratio('IMAP_RECONNECT_JITTER_PCT', { default: 0.5 }),
    startupStaggerMs: env.integer('IMAP_STARTUP_STAGGER_MS', { default: 2_000, max: 600_000 }),
    pollIntervalMs: env.integer('IMAP_POLL_INTERVAL_MS', { default: 30_000, min: 1_000, max: 3_600_000 }),
    // RFC 2177: below 29 minutes. NAT gateways drop far earlier.
    idleRenewMs: env.integer('IMAP_IDLE_RENEW_MS', { default: 180_000, min: 1_000, max: 1_740_000 }),
    auditIntervalMs: env.integer('IMAP_AUDIT_INTERVAL_MS', { default: 21_600_000, max: 604_800_000 }),
    dataAgeLimitMs: env.integer('IMAP_DATA_AGE_LIMIT_MS', {
      default: 900_000,
      min: 3_000,
      max: 86_400_000,
    }),
    connectionTimeoutMs: env.integer('IMAP_CONNECTION_TIMEOUT_MS', {
      default: 10_000,
      min: 500,
      max: 300_000,
    }),
    socketKeepalive: env.boolean('IMAP_SOCKET_KEEPALIVE', { default: true }),
    maxEmailsPerSync: env.integer('IMAP_MAX_EMAILS_PER_SYNC', { default: 200, min: 1, max: 1_000 }),
    fetchDelayMs: env.integer('IMAP_FETCH_DELAY_MS', { default: 0, max: 60_000 }),
    oauthMechanism: env.string('IMAP_OAUTH_AUTH_MECHANISM', {
      default: 'XOAUTH2',
      oneOf: ['XOAUTH2', 'OAUTHBEARER'],
    }) as Config['oauthMechanism'],
    channelByTenant: env.boolean('IMAP_EVENT_CHANNEL_BY_TENANT', { default: false }),
    limits: {
      maxAttachmentBytes: env.integer('IMAP_MAX_ATTACHMENT_BYTES', { default: 50 * MIB }),
      maxTotalAttachmentBytes: env.integer('IMAP_MAX_TOTAL_ATTACHMENT_BYTES', { default: 100 * MIB }),
      maxAttachmentCount: env.integer('IMAP_MAX_ATTACHMENT_COUNT', { default: 500 }),
      maxRawMimeBytes: env.integer('IMAP_MAX_RAW_MIME_BYTES', { default: 150 * MIB }),
    },
    parserThreads: env.integer('MAIL_PARSER_THREADS', { default: 2, min: 1, max: 64 }),
    parseTimeoutMs: env.integer('MAIL_PARSE_TIMEOUT_MS', { default: 20_000, min: 1_000, max: 600_000 }),
    spoolDir: env.string('SPOOL_DIR', { default: join(tmpdir(), 'mailstream-spool') }),
    streamMaxBacklog: env.integer('STREAM_MAX_BACKLOG_ENTRIES', { default: 100_000, min: 1 }),
    streamTrimIntervalMs: env.integer('STREAM_TRIM_INTERVAL_MS', {
      default: 60_000,
      min: 1_000,
      max: 3_600_000,
    }),
    redisMaxMemoryRatio: env.ratio('REDIS_MAX_MEMORY_RATIO', { default: 0.85, min: 0.1, max: 1 }),
    traces: readTraceSettings(env, 'email-service'),
  };
  checkRelations(env, config);
  env.finish();
  return Object.freeze(config);
}

function checkRelations(env: EnvReader, config: Config): void {
  for (const [name, cidrs] of [
    ['EGRESS_ALLOW_CIDRS', config.egressAllowCidrs],
    ['IMAP_PLAINTEXT_ALLOW_CIDRS', config.plaintextAllowCidrs],
  ] as const) {
    const parsed = parseAllowList(cidrs, name);
    if (parsed.kind === 'problem') env.problem(parsed.text);
  }
  if (config.egressAllowPorts.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    env.problem('EGRESS_ALLOW_PORTS must be a list of port numbers');
  if (config.secretsMasterKey !== '') {
    const parsed = parseKeyRing(config.secretsMasterKey);
    if (parsed.kind === 'problem') env.problem(parsed.text);
  }
  try {
    if (config.storageUrl !== '') createStorage(config.storageUrl);
  } catch (error) {
    env.problem(`STORAGE_URL: ${error instanceof Error ? error.message : 'not usable'}`);
  }
}
