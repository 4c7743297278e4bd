import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providerId, tenantId } from '../domain/ids.ts';
import { FaultError } from '../errors/fault-error.ts';
import { assertNoCanary, newCanary } from '../testing/canary.ts';
import { KeyRing } from './key-ring.ts';
import { createSecretBox, isSealed, sealedKeyId } from './secret-box.ts';
import type { SecretRef } from './secret-ref.ts';
import { SecretValue } from './secret-value.ts';

const REF: SecretRef = {
  tenant: tenantId('11111111-1111-4111-8111-111111111111'),
  providerId: providerId('22222222-2222-4222-8222-222222222222'),
  name: 'imap_password',
};
const OTHER_ID = '33333333-3333-4333-8333-333333333333';
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const box = createSecretBox(new KeyRing('k1', new Map([['k1', oldKey]])));
const sealed = box.seal(REF, new SecretValue('hunter2'));

function refusal(open: () => unknown): FaultError {
  try {
    open();
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
  throw new Error('it opened');
}

describe('secret box', () => {
  it('gives back what was sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const envelope = box.seal(REF, new SecretValue(text));
        expect(isSealed(envelope)).toBe(true);
        expect(box.open(REF, envelope).reveal()).toBe(text);
      }),
    );
  });

  it('does not open in another tenant, provider or field', () => {
    const elsewhere: readonly SecretRef[] = [
      { ...REF, tenant: tenantId(OTHER_ID) },
      { ...REF, providerId: providerId(OTHER_ID) },
      { ...REF, name: 'imap_refresh_token' },
    ];
    for (const ref of elsewhere) {
      expect(refusal(() => box.open(ref, sealed)).fault).toMatchObject({
        kind: 'misconfigured',
        code: 'SECRET_UNREADABLE',
      });
    }
  });

  it('does not open when any one character is changed, removed or added', () => {
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom('A', 'b', '7', '_', '.', ''), (at, by) => {
        const changed = sealed.slice(0, at) + by + sealed.slice(at + 1);
        fc.pre(changed !== sealed && !sameBytes(changed, sealed));
        expect(refusal(() => box.open(REF, changed)).fault.code).toBe('SECRET_UNREADABLE');
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a shortened tag of either layer', () => {
    const fields = sealed.split('.');
    for (const index of [4, 7]) {
      for (const bytes of [4, 8, 12, 15]) {
        const short = fields.map((field, i) =>
          i === index ? Buffer.from(field, 'base64url').subarray(0, bytes).toString('base64url') : field,
        );
        expect(refusal(() => box.open(REF, short.join('.'))).fault.detail).toContain(
          'not in the sealed form',
        );
      }
    }
  });

  it('refuses parts of two envelopes put together', () => {
    const first = sealed.split('.');
    const second = box.seal(REF, new SecretValue('other')).split('.');
    const mixed = [...first.slice(0, 5), ...second.slice(5)].join('.');
    expect(refusal(() => box.open(REF, mixed)).fault.code).toBe('SECRET_UNREADABLE');
  });

  it('says which key is missing, and does not open with a wrong key of the same name', () => {
    const stranger = createSecretBox(new KeyRing('k9', new Map([['k9', newKey]])));
    expect(refusal(() => stranger.open(REF, sealed)).fault.detail).toContain(
      '"k1" is not in SECRETS_MASTER_KEY',
    );
    const impostor = createSecretBox(new KeyRing('k1', new Map([['k1', newKey]])));
    expect(refusal(() => impostor.open(REF, sealed)).fault.detail).toContain('"k1" does not fit');
  });

  it('reads with the old key and writes with the new one', () => {
    const keys = new Map([
      ['k2', newKey],
      ['k1', oldKey],
    ]);
    const both = createSecretBox(new KeyRing('k2', keys));
    expect(both.open(REF, sealed).reveal()).toBe('hunter2');
    const moved = both.seal(REF, both.open(REF, sealed));
    expect(sealedKeyId(moved)).toBe('k2');
    expect(both.open(REF, moved).reveal()).toBe('hunter2');
  });

  it('uses no nonce, data key or ciphertext twice', () => {
    const runs = 20_000;
    const seen = new Set<string>();
    for (let i = 0; i < runs; i += 1) {
      const fields = box.seal(REF, new SecretValue('same text')).split('.');
      for (const index of [2, 3, 5, 6]) seen.add(fields[index] ?? '');
    }
    expect(seen.size).toBe(4 * runs);
  });

  it('shows nothing of the secret in the envelope or in errors', () => {
    const canary = newCanary('password');
    const envelope = box.seal(REF, new SecretValue(canary.value));
    assertNoCanary(envelope, [canary]);
    assertNoCanary(
      refusal(() => box.open({ ...REF, tenant: tenantId(OTHER_ID) }, envelope)),
      [canary],
    );
    // A plain text where an envelope is expected must not come back in the error either.
    assertNoCanary(
      refusal(() => box.open(REF, canary.value)),
      [canary],
    );
  });

  it('takes no ordinary text for an envelope', () => {
    for (const text of ['', 'v1.', 'v1.k.a.b.c', 'p@ss.word', 'v1.a.b.c.d.e.f.g'])
      expect(isSealed(text)).toBe(false);
  });
});

/** The last base64url character of a field may have unused bits: such a change is none. */
function sameBytes(a: string, b: string): boolean {
  const bytes = (text: string): string =>
    text
      .split('.')
      .map((field, i) => (i < 2 ? field : Buffer.from(field, 'base64url').toString('hex')))
      .join('.');
  return bytes(a) === bytes(b);
}
