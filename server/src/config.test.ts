import { expect, test } from 'vitest';
import { ConfigError } from '@mailstream/shared/runtime/env';
import { readConfig } from './config.ts';

const NEEDED = {
  DATABASE_URL: 'postgres://app:secret-canary@localhost/mailstream',
  SECRETS_MASTER_KEY: 'p1xEhJXBfSLXuuiUZSpNHWTo7EOBYVqCT4yd1FUmFRo=',
};

test('needs a database and a master key, and has a default for everything else', () => {
  expect(readConfig(NEEDED)).toMatchObject({
    port: 3000,
    testsPerMinute: 5,
    sessionTtlMs: 43_200_000,
    egressAllowCidrs: [],
    publicOrigin: null,
    trustedProxies: [],
  });
});

test('names every problem at once, and no value', () => {
  let problems: readonly string[] = [];
  try {
    readConfig({
      DATABASE_URL: 'mysql://secret-canary',
      SECRETS_MASTER_KEY: 'secret-canary',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      EGRESS_ALLOW_CIDRS: '10.0.0.0/99',
      EGRESS_ALLOW_PORTS: '143,imap',
      IMAP_PLAINTEXT_ALLOW_CIDRS: 'everywhere',
      TRUSTED_PROXIES: 'proxy',
      STORAGE_URL: 'ftp://secret-canary',
      SECRET_READ_CHAIN: 'env,vault',
      PUBLIC_URL: 'mail.example.com',
    });
  } catch (error) {
    problems = error instanceof ConfigError ? error.problems : [];
  }
  const named = problems.map((problem) => /[A-Z]+(?:_[A-Z]+)+|PORT/.exec(problem)?.[0]);
  expect(new Set(named)).toEqual(
    new Set([
      'DATABASE_URL',
      'DATABASE_DIRECT_URL',
      'EGRESS_ALLOW_CIDRS',
      'EGRESS_ALLOW_PORTS',
      'IMAP_PLAINTEXT_ALLOW_CIDRS',
      'LOG_LEVEL',
      'PORT',
      'PUBLIC_URL',
      'SECRETS_MASTER_KEY',
      'SECRET_READ_CHAIN',
      'STORAGE_URL',
      'TRUSTED_PROXIES',
    ]),
  );
  expect(problems.join()).not.toContain('secret-canary');
});

test('takes only the origin of the public address', () => {
  expect(readConfig({ ...NEEDED, PUBLIC_URL: 'https://mail.example.com/app/' }).publicOrigin).toBe(
    'https://mail.example.com',
  );
});
