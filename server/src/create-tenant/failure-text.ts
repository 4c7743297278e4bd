/** What went wrong, for the person at the terminal. */
import { sqlState } from '@mailstream/shared/db/database-faults';
import { errorEntry } from '@mailstream/shared/errors/catalogue';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { PasswordRefused } from './read-password.ts';

/** No such table; no right to write to it, or to step into a role: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const OLD_SCHEMA = new Set(['42P01', '42501', '22023']);

export function failureText(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof PasswordRefused) return { text: error.message, exitCode: 64 };
  const state = sqlState(error);
  if (state !== null && OLD_SCHEMA.has(state))
    return {
      text: `The database is older than this program, or DATABASE_URL is not the login of the services: run the migration first (npm run migrate). PostgreSQL says ${state}.`,
      exitCode: 1,
    };
  if (error instanceof FaultError && error.fault.code === 'DATABASE_UNAVAILABLE') {
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return {
      text: `${errorEntry('DATABASE_UNAVAILABLE').message} Nothing was changed.${cause}`,
      exitCode: 1,
    };
  }
  return { text: `It did not work: ${error instanceof Error ? error.message : String(error)}`, exitCode: 1 };
}
