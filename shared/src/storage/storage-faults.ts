/** What goes wrong in a storage, as faults. Details never name a key: it holds the tenant and the hash of a message. */
import { FaultError } from '../errors/fault-error.ts';

/** Also the answer to a full disk: the daemon stops fetching, the mailbox is the queue (security review, I). */
export function storageUnavailable(cause: unknown): FaultError {
  return new FaultError(
    { kind: 'transient', code: 'STORAGE_UNAVAILABLE', detail: `storage failed: ${reasonOf(cause)}` },
    cause,
  );
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
