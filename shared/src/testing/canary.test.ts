import { describe, expect, it } from 'vitest';
import { assertNoCanary, canaryForms, newCanary, newPlainCanary } from './canary.ts';

const canary = newCanary('password');
const found = (captured: unknown): (() => void) => {
  return () => {
    assertNoCanary(captured, [newPlainCanary('other'), canary]);
  };
};

describe('canary', () => {
  it('is found in text, JSON, URL, form, hex and bytes', () => {
    for (const text of [
      `a ${canary.value} b`,
      JSON.stringify({ deep: [canary.value] }),
      `https://host/?p=${encodeURIComponent(canary.value)}`,
      new URLSearchParams({ password: canary.value }).toString(),
      Buffer.from(`x${canary.value}`).toString('hex'),
      Buffer.from(`x${canary.value}`),
    ]) {
      expect(found(text)).toThrow(/password leaked/);
    }
  });

  it('is found in base64 of a longer text at any offset, in both alphabets', () => {
    for (const before of ['', 'a', 'ab', 'abc', 'user=x\u0001auth=Bearer ']) {
      for (const after of ['', '\u0001', '\u0001\u0001', 'xyz']) {
        const bytes = Buffer.from(`${before}${canary.value}${after}`);
        expect(found(bytes.toString('base64'))).toThrow(/leaked/);
        expect(found(bytes.toString('base64url'))).toThrow(/leaked/);
      }
    }
  });

  it('is found in nested values and in the causes of errors', () => {
    const error = new Error('outer', { cause: new Error('inner', { cause: { body: { t: canary.value } } }) });
    expect(found(error)).toThrow(/leaked/);
    expect(found({ a: [{ b: new Map([['k', canary.value]]) }] })).toThrow(/leaked/);
  });

  it('is not found where it is not, and never shown by the failure', () => {
    expect(found({ nothing: 'here', n: 1 })).not.toThrow();
    let message = '';
    try {
      found(`token=${canary.value};`)();
    } catch (error) {
      message = (error as Error).message;
    }
    for (const form of canaryForms(canary.value)) expect(message).not.toContain(form);
    expect(message).toContain('<canary>');
  });
});
