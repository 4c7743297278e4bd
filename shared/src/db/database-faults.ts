/**
 * Errors of PostgreSQL and of the way to it, in our words. One table: what stands here is about the database as a whole and passes
 * without a change of the statement; everything else (constraints, types, deadlocks) stays as it is, for the adapter that knows what
 * it did.
 */
import { FaultError } from '../errors/fault-error.ts';

/** SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNAVAILABLE_STATES: readonly RegExp[] = [
  /^08/, // connection exception
  /^57014$/, // out of time: our statements are short, so the server is overloaded, or somebody holds a lock
  /^53/, // insufficient resources: disk full, out of memory, too many connections
  /^57P0[1-5]$/, // shutdown, crash, cannot connect now, database dropped, idle session timeout
  /^25P03$/, // idle in transaction too long: the server cut the connection
  /^25006$/, // read-only transaction: a standby after a failover
  /^28/, // login refused
  /^3D000$/, // the database does not exist (yet)
  /^58/, // system error: I/O
  /^XX/, // internal error, corruption
];

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** pg gives these no code; knex puts the statement in front. */
const PG_CONNECTION_MESSAGES =
  /(?:^|- )(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout|The server does not support SSL|Connection ended unexpectedly)[^-]*$/;

function property(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}

/** SQLSTATE of an error that the server answered, else null. */
export function sqlState(error: unknown): string | null {
  const cause = error instanceof FaultError ? error.cause : error;
  const code = property(cause, 'code');
  // Five characters and a severity: Node's own codes have no severity.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && property(cause, 'severity') !== undefined
    ? code
    : null;
}

/** True when the connection is gone or cannot be trusted any more; the statement may or may not have been executed. */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return /^(08|57P0[1-5]|25P03)/.test(state);
  const code = property(error, 'code');
  if (typeof code === 'string' && NETWORK_CODES.has(code)) return true;
  return error instanceof Error && PG_CONNECTION_MESSAGES.test(error.message);
}

/** The FaultError when the database as a whole is the trouble, else null. */
export function databaseFault(error: unknown): FaultError | null {
  if (error instanceof FaultError) return error;
  const state = sqlState(error);
  if (state !== null && UNAVAILABLE_STATES.some((pattern) => pattern.test(state)))
    return unavailable(`PostgreSQL answered ${state}`, error);
  return isConnectionError(error) ? unavailable('the connection to PostgreSQL was lost', error) : null;
}

/** @param detail one sentence without values */
export function unavailable(detail: string, cause?: unknown): FaultError {
  return new FaultError({ kind: 'transient', code: 'DATABASE_UNAVAILABLE', detail }, cause);
}

/** Thrown when the connection went during COMMIT: the transaction may or may not be there. Read before doing it again. */
export class CommitUnknownError extends FaultError {
  constructor(cause: unknown) {
    super(
      {
        kind: 'transient',
        code: 'DATABASE_UNAVAILABLE',
        detail: 'the connection was lost during COMMIT, its outcome is unknown',
      },
      cause,
    );
  }
}

export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof CommitUnknownError;
}
