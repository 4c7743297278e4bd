/** Settings of the server. The only reader of the environment here; everything is checked before anything is opened. */
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllowList } from '@mailstream/shared/net/allow-list';
import type { DatabaseOptions } from '@mailstream/shared/db/database';
import { databaseUrlProblem } from '@mailstream/shared/db/connection-settings';
import { EnvReader } from '@mailstream/shared/runtime/env';
import type { LogLevel } from '@mailstream/shared/runtime/logger';
import { redisUrlProblem } from '@mailstream/shared/runtime/redis';
import { REDIS_SCHEMES } from '@mailstream/shared/runtime/redis-url';
import { KeyRing, parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import {
  readSecretPlaces,
  type SecretPlaces,
  type SecretPlugIn,
} from '@mailstream/shared/secrets/secret-places';
import { createStorage } from '@mailstream/shared/storage/create-storage';

export interface Config {
  readonly port: number;
  /** Address to listen on; all of them unless told otherwise. */
  readonly host: string;
  readonly logLevel: LogLevel;
  readonly database: Pick<DatabaseOptions, 'url' | 'isCitus'>;
  /** Past a transaction pooler, for LISTEN; the same URL unless told otherwise. */
  readonly directDatabaseUrl: string;
  readonly databasePoolMax: number;
  /** For the job board, and for limits that count over all replicas; null does without both. */
  readonly redisUrl: string | null;
  readonly keyRing: KeyRing;
  readonly secretPlaces: SecretPlaces;
  readonly storageUrl: string;
  readonly egressAllowCidrs: readonly string[];
  readonly egressAllowPorts: readonly number[];
  readonly plaintextAllowCidrs: readonly string[];
  readonly connectionTimeoutMs: number;
  readonly oauthMechanism: 'XOAUTH2' | 'OAUTHBEARER';
  readonly publicOrigin: string | null;
  readonly trustedProxies: readonly string[];
  readonly sessionTtlMs: number;
  readonly loginsPerMinute: number;
  readonly testsPerMinute: number;
  readonly webRoot: string | null;
}

const WEB_ROOT = fileURLToPath(new URL('web', import.meta.url));

/**
 * @param plugIns more places for secrets, of whoever starts the process
 * @throws ConfigError with every problem.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  plugIns: readonly SecretPlugIn[] = [],
): Config {
  const env = new EnvReader(environment);
  const databaseUrl = env.url('DATABASE_URL', {
    protocols: ['postgres', 'postgresql'],
    problemOf: databaseUrlProblem,
  });
  const config: Config = {
    port: env.integer('PORT', { default: 3000, min: 0, max: 65535 }),
    host: env.string('HOST', { default: '0.0.0.0' }),
    logLevel: env.string('LOG_LEVEL', {
      default: 'info',
      oneOf: ['debug', 'info', 'warn', 'error'],
    }) as LogLevel,
    database: { url: databaseUrl, isCitus: env.boolean('DATABASE_IS_CITUS', { default: false }) },
    directDatabaseUrl: env.url('DATABASE_DIRECT_URL', {
      default: databaseUrl === '' ? 'postgres://unset' : databaseUrl,
      protocols: ['postgres', 'postgresql'],
      problemOf: databaseUrlProblem,
    }),
    databasePoolMax: env.integer('DATABASE_POOL_MAX', { default: 10, min: 1, max: 1000 }),
    redisUrl:
      env.optionalString('REDIS_URL') === undefined
        ? null
        : env.url('REDIS_URL', { protocols: REDIS_SCHEMES, problemOf: redisUrlProblem }),
    keyRing: keyRing(env),
    secretPlaces: readSecretPlaces(env, environment, plugIns),
    storageUrl: storageUrl(env),
    egressAllowCidrs: cidrs(env, 'EGRESS_ALLOW_CIDRS'),
    egressAllowPorts: ports(env, 'EGRESS_ALLOW_PORTS'),
    plaintextAllowCidrs: cidrs(env, 'IMAP_PLAINTEXT_ALLOW_CIDRS'),
    connectionTimeoutMs: env.integer('IMAP_CONNECTION_TIMEOUT_MS', {
      default: 10_000,
      min: 100,
      max: 120_000,
    }),
    oauthMechanism: env.string('IMAP_OAUTH_AUTH_MECHANISM', {
      default: 'XOAUTH2',
      oneOf: ['XOAUTH2', 'OAUTHBEARER'],
    }) as Config['oauthMechanism'],
    publicOrigin: publicOrigin(env),
    trustedProxies: cidrs(env, 'TRUSTED_PROXIES'),
    sessionTtlMs: env.integer('SESSION_TTL_HOURS', { default: 12, min: 1, max: 720 }) * 3_600_000,
    loginsPerMinute: env.integer('LOGIN_LIMIT_PER_MINUTE', { default: 10, min: 1, max: 10_000 }),
    testsPerMinute: env.integer('PROVIDER_TEST_LIMIT_PER_MINUTE', { default: 5, min: 1, max: 10_000 }),
    // A checkout that was only compiled has no UI; the API works without it.
    webRoot: existsSync(join(WEB_ROOT, 'index.html')) ? WEB_ROOT : null,
  };
  env.finish();
  return Object.freeze(config);
}

function cidrs(env: EnvReader, name: string): readonly string[] {
  const list = env.list(name, { default: [] });
  const parsed = parseAllowList(list, name);
  if (parsed.kind === 'problem') env.problem(parsed.text);
  return list;
}

function ports(env: EnvReader, name: string): readonly number[] {
  const list = env.list(name, { default: [] }).map(Number);
  if (list.some((port) => !Number.isInteger(port) || port < 1 || port > 65535))
    env.problem(`${name} must be a list of port numbers`);
  return list;
}

function keyRing(env: EnvReader): KeyRing {
  const text = env.string('SECRETS_MASTER_KEY');
  const parsed = parseKeyRing(text);
  if (parsed.kind === 'ok') return parsed.ring;
  if (text !== '') env.problem(parsed.text);
  return new KeyRing('', new Map());
}

function storageUrl(env: EnvReader): string {
  const url = env.string('STORAGE_URL', { default: 'file:///var/lib/mailstream/storage' });
  try {
    if (url !== '') createStorage(url);
  } catch (error) {
    env.problem(`STORAGE_URL is wrong: ${error instanceof Error ? error.message : 'not a URL'}`);
  }
  return url;
}

function publicOrigin(env: EnvReader): string | null {
  if (env.optionalString('PUBLIC_URL') === undefined) return null;
  const url = env.url('PUBLIC_URL', { protocols: ['http', 'https'] });
  return URL.canParse(url) ? new URL(url).origin : null;
}
