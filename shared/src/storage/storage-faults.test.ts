import { expect, it } from 'vitest';
import { storageUnavailable } from './storage-faults.ts';

it.each([
  [{ code: 'ENOSPC' }, 'STORAGE_FULL'],
  [{ code: 'EDQUOT' }, 'STORAGE_FULL'],
  [{ code: 'EROFS' }, 'STORAGE_UNAVAILABLE'],
  [{ code: 'EIO' }, 'STORAGE_UNAVAILABLE'],
  [{ name: 'XMinioStorageFull', $metadata: { httpStatusCode: 507 } }, 'STORAGE_FULL'],
  [{ name: 'QuotaExceeded', $metadata: { httpStatusCode: 403 } }, 'STORAGE_FULL'],
  [{ name: '507', $metadata: { httpStatusCode: 507 } }, 'STORAGE_FULL'],
  [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'STORAGE_UNAVAILABLE'],
  [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'STORAGE_UNAVAILABLE'],
  ['a string', 'STORAGE_UNAVAILABLE'],
])('%o is told as %s, and tried again', (cause, code) => {
  expect(storageUnavailable(cause).fault).toMatchObject({ kind: 'transient', code });
});
