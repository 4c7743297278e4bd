import { describe, expect, it } from 'vitest';
import type { Fault } from '../domain/fault.ts';
import type { Clock } from '../domain/time.ts';
import { SecretValue } from '../secrets/secret-value.ts';
import { createRefusalMemory } from './refusal-memory.ts';

const token = new SecretValue('a');
const ended: Fault = { kind: 'auth', code: 'OAUTH_REAUTHORIZE', detail: 'x' };
const paused: Fault = { kind: 'throttled', code: 'OAUTH_UNAVAILABLE', detail: 'x', retryAfterMs: 1_000 };

function clockAt(now: { ms: number }): Clock {
  return { monotonicMs: () => now.ms, now: () => new Date(0), schedule: () => () => undefined };
}

describe('refusal memory', () => {
  it('repeats an ended grant for five minutes, for the same refresh token and provider only', () => {
    const now = { ms: 0 };
    const memory = createRefusalMemory(clockAt(now));
    memory.remember('p', token, ended);
    const ask = (name: string, value: SecretValue | null) => () => {
      memory.check(name, value);
    };
    expect(ask('p', new SecretValue('a'))).toThrow('OAUTH_REAUTHORIZE');
    expect(ask('q', token)).not.toThrow();
    now.ms = 299_999;
    expect(ask('p', token)).toThrow('OAUTH_REAUTHORIZE');
    now.ms = 300_000;
    expect(ask('p', token)).not.toThrow();
    memory.remember('p', token, ended);
    expect(ask('p', new SecretValue('b'))).not.toThrow();
    // Forgotten for good, not until the old one comes back.
    expect(ask('p', token)).not.toThrow();
  });

  it('keeps a pause with what is left of it, and nothing that has none', () => {
    const now = { ms: 0 };
    const memory = createRefusalMemory(clockAt(now));
    memory.remember('p', null, paused);
    now.ms = 400;
    expect(() => {
      memory.check('p', null);
    }).toThrow(expect.objectContaining({ fault: { ...paused, retryAfterMs: 600 } }));
    memory.remember('q', null, { kind: 'transient', code: 'OAUTH_UNAVAILABLE', detail: 'x' });
    memory.remember('q', null, { kind: 'misconfigured', code: 'OAUTH_CLIENT_REJECTED', detail: 'x' });
    expect(() => {
      memory.check('q', null);
    }).not.toThrow();
  });
});
