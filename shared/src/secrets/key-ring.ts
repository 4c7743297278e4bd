import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const HEX_KEY = /^[0-9a-fA-F]{64}$/;
/** Standard or URL alphabet; 32 bytes are 43 characters and one optional `=`. */
const BASE64_KEY = /^[A-Za-z0-9+/_-]{43}=?$/;

/** The master keys: secrets are sealed with `currentId` and opened with whichever key they name. */
export class KeyRing {
  readonly currentId: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor(currentId: string, keys: ReadonlyMap<string, Buffer>) {
    this.currentId = currentId;
    this.#keys = keys;
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** 32 bytes, or null for a key that this process was not given. */
  key(id: string): Buffer | null {
    return this.#keys.get(id) ?? null;
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

export type KeyRingResult =
  | { readonly kind: 'ok'; readonly ring: KeyRing }
  /** One sentence for the operator; holds no part of a key. */
  | { readonly kind: 'problem'; readonly text: string };

/**
 * Reads `SECRETS_MASTER_KEY`: 32 bytes in base64 or hex. To rotate, put the new key first: `<new>,<old>` or
 * `2026:<new>,2025:<old>`; the first one seals, all of them open. A key without a name is named by its SHA-256, so that
 * the same key has the same name in every process.
 */
export function parseKeyRing(text: string): KeyRingResult {
  const keys = new Map<string, Buffer>();
  let currentId: string | null = null;
  for (const [index, part] of text.split(',').entries()) {
    const entry = parseEntry(part.trim());
    const place = `key ${index + 1} of SECRETS_MASTER_KEY`;
    if (entry.kind === 'problem') return { kind: 'problem', text: `${place} ${entry.text}` };
    if (keys.has(entry.id)) return { kind: 'problem', text: `${place} has the name of an earlier one` };
    keys.set(entry.id, entry.key);
    currentId ??= entry.id;
  }
  if (currentId === null) return { kind: 'problem', text: 'SECRETS_MASTER_KEY is empty' };
  return { kind: 'ok', ring: new KeyRing(currentId, keys) };
}

type Entry =
  | { readonly kind: 'key'; readonly id: string; readonly key: Buffer }
  | { readonly kind: 'problem'; readonly text: string };

function parseEntry(text: string): Entry {
  const colon = text.indexOf(':');
  const name = colon === -1 ? null : text.slice(0, colon);
  if (name !== null && !KEY_ID.test(name)) {
    return { kind: 'problem', text: 'has a name that is not 1 to 32 letters, digits, "_" or "-"' };
  }
  const key = decodeKey(text.slice(colon + 1));
  if (key === null) {
    return {
      kind: 'problem',
      text: 'is not 32 bytes in base64 or hex (make one with: openssl rand -base64 32)',
    };
  }
  // A key of one repeated byte is a placeholder somebody forgot to replace.
  if (key.every((byte) => byte === key[0])) return { kind: 'problem', text: 'is a placeholder, not random' };
  return { kind: 'key', id: name ?? fingerprint(key), key };
}

function decodeKey(text: string): Buffer | null {
  if (HEX_KEY.test(text)) return Buffer.from(text, 'hex');
  if (!BASE64_KEY.test(text)) return null;
  // Node reads both alphabets under either name.
  const key = Buffer.from(text, 'base64');
  return key.length === KEY_BYTES ? key : null;
}

function fingerprint(key: Buffer): string {
  return createHash('sha256').update('mailstream key id|').update(key).digest('hex').slice(0, 12);
}
