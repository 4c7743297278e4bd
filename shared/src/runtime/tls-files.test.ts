import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { databaseUrlProblem } from '../db/connection-settings.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { redisUrlProblem } from './redis.ts';

const folder = mkdtempSync(join(tmpdir(), 'mst-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [one, other] = [makeTestCertificate(['a']), makeTestCertificate(['b'])];
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const files = {
  cert: file('cert.pem', one.cert),
  key: file('key.pem', one.key),
  otherKey: file('other.pem', other.key),
  text: file('text.pem', 'canary'),
  absent: join(folder, 'canary.pem'),
};

describe.each([
  ['Redis', 'rediss://h', redisUrlProblem],
  ['PostgreSQL', 'postgres://h/d', databaseUrlProblem],
])('files of TLS in the URL of %s', (_name, url, problemOf) => {
  const problem = (parameters: Record<string, string>): string | null =>
    problemOf(`${url}?${new URLSearchParams(parameters).toString()}`);

  it('are taken when they fit', () => {
    expect(problem({})).toBeNull();
    expect(problem({ sslrootcert: files.cert })).toBeNull();
    expect(problem({ sslrootcert: files.cert, sslcert: files.cert, sslkey: files.key })).toBeNull();
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ sslrootcert: files.absent }, /sslrootcert with a file that cannot be read/],
    [{ sslrootcert: files.text }, /sslrootcert with a file that is no certificate/],
    [{ sslcert: files.cert }, /together/],
    [{ sslkey: files.key }, /together/],
    [{ sslcert: files.absent, sslkey: files.key }, /sslcert with a file that cannot be read/],
    [{ sslcert: files.key, sslkey: files.key }, /sslcert with a file that is no certificate/],
    [{ sslcert: files.cert, sslkey: files.absent }, /sslkey with a file that cannot be read/],
    [{ sslcert: files.cert, sslkey: files.otherKey }, /sslkey with a file that is not the key/],
    [{ sslcert: files.cert, sslkey: files.text }, /sslkey with a file that is not the key/],
  ])('are refused when they do not: %o', (parameters, says) => {
    expect(problem(parameters)).toMatch(says);
    expect(problem(parameters)).not.toContain('canary');
  });
});

it.each([
  ['postgres://u:canary#@h/d', /%23/],
  ['postgres://u:canary@h/d?sslmode=full', /sslmode of disable/],
])('%s is refused, and nothing of it repeated', (url, says) => {
  expect(databaseUrlProblem(url)).toMatch(says);
  expect(databaseUrlProblem(url)).not.toContain('canary');
});
