/**
 * Connections to Redis that fail fast and never surprise.
 *
 * A command rejects at once while there is no connection, is never sent twice and rejects when the connection goes before the
 * answer came: then its outcome is unknown, and the caller decides. Waiting and trying again are the caller's job too, since
 * only the caller knows what may be repeated. The connection itself is made anew for ever.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { backoffMs } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';
import type { Logger } from './logger.ts';

export interface CreateRedisOptions {
  /** `redis://` or `rediss://` (TLS, verified), with user, password and database number where needed. */
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
/** For a goodbye that the other side does not answer. */
const DISCONNECT_TIMEOUT_MS = 500;
/** A command is outstanding and not a byte came: the link is dead (half-open), TCP would notice only after minutes. */
const SILENCE_GRACE_MS = 5000;

/** Connects in the background; never throws because Redis is down. */
export function createRedis({ url, name, log, blockMs }: CreateRedisOptions): Redis {
  const { hostname, protocol } = new URL(url);
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
    retryStrategy: (attempt: number) => backoffMs(BACKOFF, attempt, Math.random()),
    // A replica after a failover: find the new primary. Only reconnects, never sends the command again.
    reconnectOnError: (error: Error): 1 | false =>
      /^(READONLY|MASTERDOWN)\b/.test(error.message) ? 1 : false,
    ...(blockMs === undefined ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    ...(protocol === 'rediss:' ? { tls: { servername: hostname } } : {}),
  } satisfies RedisOptions;
  const redis = new Redis(url, options);

  // Errors come again and again while Redis is away; the log gets the changes only.
  let isDown = false;
  redis.on('error', (error: unknown) => {
    if (isDown) return;
    isDown = true;
    log.warn('redis connection lost, connecting again', { name, error });
  });
  redis.on('close', () => {
    if (isDown) return;
    isDown = true;
    log.debug('redis connection closed', { name });
  });
  redis.on('ready', () => {
    isDown = false;
    log.debug('redis connection ready', { name });
  });
  return redis;
}

/** Closes the connection and ends all attempts to make it; what is in flight rejects. Resolves when it is closed, never rejects. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  // Between two attempts there is no socket whose end could be waited for, and no event tells of it.
  if (redis.status === 'reconnecting') return redis.disconnect();
  const ended = new Promise<void>((resolve) => {
    redis.once('end', () => resolve());
  });
  redis.disconnect();
  await ended;
}

/** Words that Redis puts in front of an error which passes by itself or with an operator's help; nothing was executed. */
const TRANSIENT_REPLIES =
  /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|MISCONF|NOREPLICAS|UNBLOCKED|NOAUTH|WRONGPASS|NOPERM)\b/;
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
