/** The names of stored things: `<tenant>/<class>/<first two hex digits>/<sha256>`. */
import type { TenantId } from '../domain/ids.ts';

const MAX_KEY_LENGTH = 512;
/** Segments of plain letters, digits, dot, dash and underscore that do not begin with a dot: no traversal, no hidden files. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** The whole message, byte for byte as the server sent it. */
export function rawKey(tenant: TenantId, sha256: string): string {
  return `${tenant}/raw/${fanOut(sha256)}.eml`;
}

/** One decoded attachment. */
export function attachmentKey(tenant: TenantId, sha256: string): string {
  return `${tenant}/attachments/${fanOut(sha256)}`;
}

/** A text or HTML body, UTF-8, that is too long for the event. */
export function bodyKey(tenant: TenantId, sha256: string): string {
  return `${tenant}/bodies/${fanOut(sha256)}`;
}

/** False when `key` could name anything outside the storage. */
export function isStorageKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH && KEY.test(key);
}

/** @throws TypeError when `key` is none. */
export function assertStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new TypeError('not a storage key');
}

function fanOut(sha256: string): string {
  if (!SHA256.test(sha256)) throw new TypeError('not a SHA-256 in lower-case hex');
  return `${sha256.slice(0, 2)}/${sha256}`;
}
