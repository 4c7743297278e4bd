import { describe, expect, it } from 'vitest';
import { ConfigError, EnvReader } from './env.ts';

function problemsOf(read: (env: EnvReader) => unknown, env: Record<string, string> = {}): readonly string[] {
  const reader = new EnvReader(env);
  read(reader);
  try {
    reader.finish();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('EnvReader', () => {
  it('reads every kind of value', () => {
    const env = new EnvReader({
      NAME: ' demo ',
      PORT: '8080',
      JITTER: '.25',
      ON: 'Yes',
      LIST: 'a, b,,c',
      URL: 'rediss://:secret@host:6380/2',
    });
    expect(env.string('NAME')).toBe('demo');
    expect(env.integer('PORT', { min: 1, max: 65535 })).toBe(8080);
    expect(env.ratio('JITTER')).toBe(0.25);
    expect(env.boolean('ON')).toBe(true);
    expect(env.list('LIST')).toEqual(['a', 'b', 'c']);
    expect(env.url('URL', { protocols: ['redis', 'rediss'] })).toBe('rediss://:secret@host:6380/2');
    expect(env.optionalString('ABSENT')).toBeUndefined();
    env.finish();
  });

  it('takes the default where a variable is absent or empty', () => {
    const env = new EnvReader({ PORT: '', ON: ' ' });
    expect(env.integer('PORT', { default: 8081 })).toBe(8081);
    expect(env.boolean('ON', { default: true })).toBe(true);
    expect(env.string('NAME', { default: 'x' })).toBe('x');
    env.finish();
  });

  it('reports every problem at once, relations included', () => {
    const problems = problemsOf(
      (env) => {
        env.url('DATABASE_URL', { protocols: ['postgres', 'postgresql'] });
        env.integer('PORT', { min: 1, max: 65535 });
        env.boolean('FLAG');
        env.string('LOG_LEVEL', { oneOf: ['info', 'debug'] });
        env.ratio('JITTER', { default: 0.1 });
        env.problem('IMAP_LEASE_TTL_MS must be larger than the margin');
      },
      { PORT: '99999', FLAG: 'maybe', LOG_LEVEL: 'loud', JITTER: '1.5' },
    );
    expect(problems).toHaveLength(6);
    for (const name of ['DATABASE_URL', 'PORT', 'FLAG', 'LOG_LEVEL', 'JITTER', 'IMAP_LEASE_TTL_MS'])
      expect(problems.filter((text) => text.startsWith(name))).toHaveLength(1);
  });

  it.each(['12.5', '1e3', '0x10', '12abc', '-1', 'NaN', '99999999999999999999'])(
    'refuses %s as a count',
    (value) => {
      expect(problemsOf((env) => env.integer('N'), { N: value })).toHaveLength(1);
    },
  );

  it('never shows the value of a variable', () => {
    const secret = 'hunter2-canary';
    const problems = problemsOf(
      (env) => {
        env.url('A', { protocols: ['redis'] });
        env.integer('B');
        env.boolean('C');
        env.string('D', { oneOf: ['x'] });
      },
      { A: secret, B: secret, C: secret, D: secret },
    );
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).not.toContain(secret);
  });
});
