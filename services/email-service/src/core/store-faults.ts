/** Faults of our own stores: they say nothing about a mail server, and end for all folders at the same moment. */
import type { Fault } from '@mailstream/shared/domain/fault';

const STORE_CODES: ReadonlySet<string> = new Set([
  'DATABASE_UNAVAILABLE',
  'REDIS_FULL',
  'REDIS_UNAVAILABLE',
  'STORAGE_FULL',
  'STORAGE_UNAVAILABLE',
]);

/** Whether PostgreSQL, Redis or the storage is away or full. */
export function isStoreFault({ code }: Pick<Fault, 'code'>): boolean {
  return STORE_CODES.has(code);
}
