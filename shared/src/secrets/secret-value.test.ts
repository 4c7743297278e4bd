import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { assertNoCanary, newCanary } from '../testing/canary.ts';
import { SecretValue } from './secret-value.ts';

const canary = newCanary('secret');
const secret = new SecretValue(canary.value);

describe('SecretValue', () => {
  it('is revealed only when asked', () => {
    expect(secret.reveal()).toBe(canary.value);
    expect(secret.equals(new SecretValue(canary.value))).toBe(true);
    expect(secret.equals(new SecretValue('other'))).toBe(false);
  });

  it('reads "[secret]" in every text form', () => {
    expect(String(secret)).toBe('[secret]');
    // oxlint-disable-next-line typescript/restrict-template-expressions -- that this slips through is the point
    expect(`${secret}`).toBe('[secret]');
    expect(secret + '').toBe('[secret]');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(inspect(secret, { showHidden: true })).toBe('[secret]');
    expect(inspect({ a: { secret } }, { depth: 9, showHidden: true })).toContain('[secret]');
  });

  it('has nothing to show through errors, copies and property walks', () => {
    // oxlint-disable-next-line typescript/restrict-template-expressions
    const error = new Error(`bad ${secret}`, { cause: secret });
    assertNoCanary(
      // oxlint-disable-next-line typescript/no-misused-spread
      [error, { ...secret }, structuredClone(secret), Object.entries(secret), Reflect.ownKeys(secret)],
      [canary],
    );
  });
});
