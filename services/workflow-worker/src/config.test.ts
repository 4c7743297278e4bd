import { ConfigError } from '@mailstream/shared/runtime/env';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';

const needed = { DATABASE_URL: 'postgres://u@h/d', REDIS_URL: 'redis://h' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('worker settings', () => {
  it('need a database and a Redis only', () => {
    expect(loadConfig(needed)).toMatchObject({
      port: 8081,
      concurrency: 8,
      maxAttempts: 5,
      channelByTenant: false,
    });
  });

  it('report every problem at once', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://h/d',
      PORT: 'x',
      IMAP_EVENT_CHANNEL_BY_TENANT: 'perhaps',
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'PORT',
      'IMAP_EVENT_CHANNEL_BY_TENANT',
    ]);
  });

  it('tell nobody of dead letters unless there is a URL, and then only with a secret', () => {
    expect(loadConfig(needed).alert).toBeNull();
    const url = 'https://hook.example/x';
    expect(problemsOf({ ...needed, WORKER_ALERT_URL: url })).toHaveLength(1);
    expect(problemsOf({ ...needed, WORKER_ALERT_URL: url, WORKER_ALERT_SECRET: 'short' })).toHaveLength(1);
    const secret = 'a secret of the hook';
    expect(loadConfig({ ...needed, WORKER_ALERT_URL: url, WORKER_ALERT_SECRET: secret }).alert).toEqual({
      url,
      secret,
      everyMs: 60_000,
    });
  });

  it('refuse a takeover that is faster than a slow statement, and more handlers than connections', () => {
    expect(problemsOf({ ...needed, WORKER_VISIBILITY_MS: '5000', DATABASE_POOL_MAX: '4' })).toHaveLength(2);
  });
});
