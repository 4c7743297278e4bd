/**
 * Connections to Redis that fail fast and never surprise: to one server, to the primary that Sentinel names, or to a Redis Cluster.
 *
 * A command rejects at once while there is no connection, is never sent twice and rejects when the connection goes before the
 * answer came: then its outcome is unknown, and the caller decides. Waiting and trying again are the caller's job too, since
 * only the caller knows what may be repeated. The connection itself is made anew for ever.
 */
import { isIP } from 'node:net';
import { Redis, type RedisOptions } from 'ioredis';
import { backoffMs } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';
import type { Logger } from './logger.ts';
import { createFailFastCluster } from './redis-cluster.ts';
import { isCluster, type RedisClient } from './redis-servers.ts';
import { parseRedisUrl, type RedisAddress, type RedisPlace, type RedisTlsFiles } from './redis-url.ts';
import { readTlsFiles, type TlsMaterialResult } from './tls-files.ts';

export interface CreateRedisOptions {
  /** In one of the forms of `parseRedisUrl`. */
  readonly url: string;
  /** What the connection is for: shown in `CLIENT LIST` and the log. */
  readonly name: string;
  readonly log: Logger;
  /** Longest BLOCK used on this connection, milliseconds. Without it every command has five seconds. */
  readonly blockMs?: number;
}

const BACKOFF = { baseMs: 100, capMs: 5000, jitter: 0.5 };
const COMMAND_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;
/** For a sentinel to name the primary: the next one may be alive. */
const SENTINEL_TIMEOUT_MS = 2000;
/** For a goodbye that the other side does not answer. */
const DISCONNECT_TIMEOUT_MS = 500;
/** For the end of everything a client has open: an attempt to find the primary cannot be broken off. */
const CLOSE_TIMEOUT_MS = 1000;
/** A command is outstanding and not a byte came: the link is dead (half-open), TCP would notice only after minutes. */
const SILENCE_GRACE_MS = 5000;
/** Nodes are learnt anew where they say that a slot has moved, and besides this often. */
const SLOTS_REFRESH_MS = 30_000;

/**
 * Connects in the background; never throws because Redis is down.
 * @throws TypeError when the URL is wrong or a file it names cannot be used (`redisUrlProblem` says so before).
 */
export function createRedis({ url, name, log, blockMs }: CreateRedisOptions): RedisClient {
  const parsed = parseRedisUrl(url);
  if (parsed.kind === 'problem') throw new TypeError(`the URL of Redis ${parsed.text}`);
  const { place } = parsed;
  const options = {
    connectionName: name.replaceAll(/[^\w.:-]+/g, '-'),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // With 0 a lost connection rejects everything in flight at once.
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    keepAlive: 30_000,
    protocol: 2,
    disableClientInfo: true,
    socketTimeout: (blockMs ?? COMMAND_TIMEOUT_MS) + SILENCE_GRACE_MS,
    retryStrategy: reconnectDelay,
    // A replica after a failover: find the new primary. Only reconnects, never sends the command again.
    reconnectOnError: (error: Error): 1 | false =>
      /^(READONLY|MASTERDOWN)\b/.test(error.message) ? 1 : false,
    ...(blockMs === undefined ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    ...credentialsOf(place),
    ...(place.tls === null ? {} : { tls: tlsOf(place.tls) }),
  } satisfies RedisOptions;
  const redis = clientOf(place, options);
  logChanges(redis, name, log);
  return redis;
}

/** What is wrong with a URL of Redis or the files it names, to be put behind the variable's name; null when nothing is. */
export function redisUrlProblem(url: string): string | null {
  const parsed = parseRedisUrl(url);
  if (parsed.kind === 'problem') return parsed.text;
  const { tls } = parsed.place;
  if (tls === null) return null;
  const files = readFiles(tls);
  return files.kind === 'problem' ? files.text : null;
}

function clientOf(place: RedisPlace, options: Omit<RedisOptions, 'replyMapping'>): RedisClient {
  switch (place.kind) {
    case 'server':
      return new Redis({
        ...options,
        ...place.address,
        db: place.database,
        ...(options.tls === undefined ? {} : { tls: { ...nameOf(place.address), ...options.tls } }),
      });
    case 'sentinel':
      return new Redis({
        ...options,
        sentinels: [...place.sentinels],
        name: place.primary,
        db: place.database,
        ...(place.sentinelLogin === null
          ? {}
          : {
              sentinelPassword: place.sentinelLogin.password,
              ...(place.sentinelLogin.user === null ? {} : { sentinelUsername: place.sentinelLogin.user }),
            }),
        sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
        sentinelRetryStrategy: reconnectDelay,
        ...(options.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: options.tls }),
      });
    case 'cluster': {
      const { enableOfflineQueue: _, retryStrategy: __, ...redisOptions } = options;
      return createFailFastCluster(place.nodes, {
        redisOptions,
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: SENTINEL_TIMEOUT_MS,
        slotsRefreshInterval: SLOTS_REFRESH_MS,
        // Names stay names: certificates are checked against them.
        dnsLookup: (host, callback) => callback(null, host),
      });
    }
  }
}

/** For a server that has several certificates. Nodes and sentinels are many: they are told a name only where the URL gives one. */
function nameOf({ host }: RedisAddress): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function reconnectDelay(attempt: number): number {
  return backoffMs(BACKOFF, attempt, Math.random());
}

function credentialsOf({ login }: RedisPlace): RedisOptions {
  if (login === null) return {};
  return { password: login.password, ...(login.user === null ? {} : { username: login.user }) };
}

function tlsOf(files: RedisTlsFiles): NonNullable<RedisOptions['tls']> {
  const read = readFiles(files);
  if (read.kind === 'problem') throw new TypeError(`the URL of Redis ${read.text}`);
  return { ...read.material, ...(files.serverName === null ? {} : { servername: files.serverName }) };
}

function readFiles({ authority, client }: RedisTlsFiles): TlsMaterialResult {
  return readTlsFiles({
    sslrootcert: authority,
    sslcert: client?.certificate ?? null,
    sslkey: client?.key ?? null,
  });
}

/** Errors come again and again while Redis is away; the log gets the changes only. */
function logChanges(redis: RedisClient, name: string, log: Logger): void {
  let isDown = false;
  const down = (error: unknown): void => {
    if (isDown) return;
    isDown = true;
    const { lastNodeError } = error as { readonly lastNodeError?: unknown };
    const isUnnamed = error instanceof Error && error.message.startsWith('All sentinels are unreachable');
    log.warn(
      isUnnamed ? 'no sentinel names the primary, asking again' : 'redis connection lost, connecting again',
      {
        name,
        error: lastNodeError ?? error,
      },
    );
  };
  redis.on('error', down);
  redis.on('close', () => {
    if (isDown) return;
    isDown = true;
    log.debug('redis connection closed', { name });
  });
  redis.on('ready', () => {
    isDown = false;
    log.debug('redis connection ready', { name });
  });
  if (!isCluster(redis)) return;
  redis.on('-node', () => log.debug('redis connection closed to one node', { name }));
}

/** Closes the connection and ends all attempts to make it; what is in flight rejects. Resolves when it is closed, never rejects. */
export async function closeRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'end') return;
  // Between two attempts there is no socket whose end could be waited for, and no event tells of it.
  if (redis.status === 'reconnecting') return redis.disconnect();
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve) => {
    redis.once('end', () => resolve());
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  redis.disconnect();
  await ended.finally(() => clearTimeout(timer));
}

/** Words that Redis puts in front of an error which passes by itself or with an operator's help; nothing was executed. */
const TRANSIENT_REPLIES =
  /^(LOADING|BUSY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|MISCONF|NOREPLICAS|UNBLOCKED|NOAUTH|WRONGPASS|NOPERM)\b/;
/** Before version 7 an error inside a script is an ERR with the script's name and line in front of what was refused. */
const INSIDE_SCRIPT = /^ERR Error running script .*: -?(OOM|MISCONF|READONLY|NOREPLICAS)\b/;

/**
 * What an error of a Redis command means. Anything that is not an answer of Redis is a lost or late connection, and the command
 * may or may not have been executed. Answers that are faults of ours (WRONGTYPE, ERR, NOSCRIPT, NOGROUP) become `bug`: callers
 * that expect one of them look at it first.
 */
export function redisFault(error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const word = redisErrorWord(error);
  if (word === 'OOM')
    return new FaultError(
      { kind: 'transient', code: 'REDIS_FULL', detail: 'Redis has reached its maxmemory' },
      error,
    );
  if (word === null)
    return new FaultError(
      { kind: 'transient', code: 'REDIS_UNAVAILABLE', detail: 'no answer from Redis' },
      error,
    );
  if (TRANSIENT_REPLIES.test(word))
    return new FaultError(
      { kind: 'transient', code: 'REDIS_UNAVAILABLE', detail: `Redis answered ${word}` },
      error,
    );
  return new FaultError({ kind: 'bug', code: 'INTERNAL', detail: `Redis answered ${word}` }, error);
}

/** The first word of an error that Redis itself answered (`NOGROUP`, `OOM`, ...); null when it is not an answer. */
export function redisErrorWord(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null;
  return (INSIDE_SCRIPT.exec(error.message) ?? /^-?([A-Z]+)/.exec(error.message))?.[1] ?? 'ERR';
}
