/**
 * Seals one secret for one place, so that a copy of the database alone reveals nothing.
 *
 *   text form   v1.<keyId>.<wrapNonce>.<wrappedDek>.<wrapTag>.<nonce>.<ciphertext>.<tag>      (base64url, no padding)
 *
 * - Every secret has a random data key of its own (DEK); the master key (KEK) encrypts data keys only, so that the bound
 *   of 2^32 random nonces for one key (NIST SP 800-38D section 8.3) is out of reach.
 * - Both layers are AES-256-GCM with a random 96-bit nonce and a 128-bit tag, and authenticate
 *   `v1|tenant|provider|name|keyId`: a row copied to another tenant, provider or field does not open.
 * - A tag of any other length is refused before it is used: Node accepts tags from 32 bits on unless told otherwise.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { FaultError } from '../errors/fault-error.ts';
import type { KeyRing } from './key-ring.ts';
import type { SealedRef } from './secret-ref.ts';
import { SecretValue } from './secret-value.ts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const DEK_BYTES = 32;
const SEALED =
  /^v1\.([A-Za-z0-9_-]{1,32})((?:\.[A-Za-z0-9_-]+){3}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+)$/;

export interface SecretBox {
  /** Id of the key that `seal` uses. */
  readonly currentKeyId: string;
  seal(ref: SealedRef, value: SecretValue): string;
  /** @throws FaultError `SECRET_UNREADABLE` for another place, another or unknown key, or anything changed. */
  open(ref: SealedRef, sealed: string): SecretValue;
}

interface Encrypted {
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

export function createSecretBox(ring: KeyRing): SecretBox {
  return {
    currentKeyId: ring.currentId,
    seal(ref, value) {
      const aad = associatedData(ref, ring.currentId);
      const dek = randomBytes(DEK_BYTES);
      const wrapped = encrypt(keyOf(ring, ref, ring.currentId), aad, dek);
      const body = encrypt(dek, aad, Buffer.from(value.reveal(), 'utf8'));
      return ['v1', ring.currentId, ...texts(wrapped), ...texts(body)].join('.');
    },
    open(ref, sealed) {
      const parts = parseSealed(sealed);
      if (parts === null) throw unreadable(ref, 'it is not in the sealed form');
      const kek = keyOf(ring, ref, parts.keyId);
      const aad = associatedData(ref, parts.keyId);
      try {
        const dek = decrypt(kek, aad, parts.wrapped);
        return new SecretValue(decrypt(dek, aad, parts.body).toString('utf8'));
      } catch {
        // The reason stays out: node:crypto knows only that the tag does not fit.
        throw unreadable(ref, `key "${parts.keyId}" does not fit, or the value was changed or moved here`);
      }
    },
  };
}

/** True for text that only `seal` makes; a plain password is never mistaken for it. */
export function isSealed(text: string): boolean {
  return parseSealed(text) !== null;
}

/** Id of the key a sealed text names, or null for any other text. */
export function sealedKeyId(text: string): string | null {
  return SEALED.exec(text)?.[1] ?? null;
}

function associatedData(ref: SealedRef, keyId: string): Buffer {
  return Buffer.from(`v1|${ref.tenant}|${ref.providerId}|${ref.name}|${keyId}`, 'utf8');
}

function encrypt(key: Buffer, aad: Buffer, plain: Buffer): Encrypted {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, ciphertext, tag: cipher.getAuthTag() };
}

function decrypt(key: Buffer, aad: Buffer, { nonce, ciphertext, tag }: Encrypted): Buffer {
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function texts({ nonce, ciphertext, tag }: Encrypted): readonly string[] {
  return [nonce, ciphertext, tag].map((part) => part.toString('base64url'));
}

function parseSealed(text: string): { keyId: string; wrapped: Encrypted; body: Encrypted } | null {
  const match = SEALED.exec(text);
  if (match === null) return null;
  const [keyId, rest] = [match[1] ?? '', match[2] ?? ''];
  const fields = rest.slice(1).split('.');
  const [wrapped, body] = [encrypted(fields.slice(0, 3)), encrypted(fields.slice(3))];
  if (wrapped === null || body === null || wrapped.ciphertext.length !== DEK_BYTES) return null;
  return { keyId, wrapped, body };
}

function encrypted(fields: readonly string[]): Encrypted | null {
  const [nonce, ciphertext, tag] = fields.map((field) => Buffer.from(field, 'base64url'));
  if (nonce === undefined || ciphertext === undefined || tag === undefined) return null;
  if (nonce.length !== NONCE_BYTES || tag.length !== TAG_BYTES) return null;
  return { nonce, ciphertext, tag };
}

function keyOf(ring: KeyRing, ref: SealedRef, keyId: string): Buffer {
  const key = ring.key(keyId);
  if (key === null) throw unreadable(ref, `key "${keyId}" is not in SECRETS_MASTER_KEY`);
  return key;
}

/** Fault of a secret that is there and cannot be used; `why` must hold no part of it. */
export function unreadable(ref: SealedRef, why: string): FaultError {
  return new FaultError({
    kind: 'misconfigured',
    code: 'SECRET_UNREADABLE',
    detail: `${ref.name} of provider ${ref.providerId} cannot be read: ${why}`,
  });
}
