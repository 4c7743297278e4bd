/** What goes wrong in a storage, as faults. Details never name a key: it holds the tenant and the hash of a message. */
import { FaultError } from '../errors/fault-error.ts';

/**
 * What says that there is no room: ENOSPC and EDQUOT of file systems, names that S3-compatible servers use with 507 or 403. EROFS,
 * an S3 503 and the like are not among them: those are storages that cannot be written, however much room they have.
 */
const FULL = new Set([
  'ENOSPC',
  'EDQUOT',
  'InsufficientStorage',
  'InsufficientStorageSpace',
  'InsufficientCapacity',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
]);
const HTTP_INSUFFICIENT_STORAGE = 507;

/** `STORAGE_FULL` where the storage says that it is full, else `STORAGE_UNAVAILABLE`: the daemon stops fetching, the mailbox is the queue. */
export function storageUnavailable(cause: unknown): FaultError {
  const reason = reasonOf(cause);
  const code =
    FULL.has(reason) || httpStatusOf(cause) === HTTP_INSUFFICIENT_STORAGE
      ? 'STORAGE_FULL'
      : 'STORAGE_UNAVAILABLE';
  return new FaultError({ kind: 'transient', code, detail: `storage failed: ${reason}` }, cause);
}

/** For files beside the storage that messages pass through (the spool): full is full, whichever it is. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storageUnavailable(error);
  }
}

export function storageNotFound(): FaultError {
  return new FaultError({ kind: 'bug', code: 'NOT_FOUND', detail: 'nothing is stored under this key' });
}

/** `ENOSPC`, `AccessDenied`: an identifier, never a message that could quote a path or an address. */
function reasonOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return 'unknown';
  const { code, name } = cause as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'unknown';
}

/** The AWS SDK's way to tell the status of an answer. */
function httpStatusOf(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null) return null;
  return (cause as { $metadata?: { httpStatusCode?: unknown } }).$metadata?.httpStatusCode;
}
