import Fastify, { type FastifyInstance } from 'fastify';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerWebUi } from '../src/plugins/web-ui.ts';

let webRoot: string;
let app: FastifyInstance;

beforeAll(async () => {
  webRoot = await mkdtemp(join(tmpdir(), 'mailstream-web-'));
  await mkdir(join(webRoot, 'assets'));
  await writeFile(join(webRoot, 'index.html'), '<script nonce="__CSP_NONCE__" src="/assets/a.js"></script>');
  await writeFile(join(webRoot, 'assets', 'a.js'), '1');
  await writeFile(join(webRoot, 'assets', 'a.js.br'), 'brotli');
  app = Fastify();
  await registerWebUi(app, webRoot);
});

afterAll(async () => {
  await app.close();
  await rm(webRoot, { recursive: true });
});

const visit = (url: string, accept = 'text/html') => app.inject({ url, headers: { accept } });

test('every visit gets the page with a nonce of its own, in the policy and in the page', async () => {
  const [one, other] = [await visit('/'), await visit('/mailboxes/1/edit')];
  const nonce = /'nonce-([^']+)'/.exec(String(one.headers['content-security-policy']))?.[1] ?? 'none';
  expect(one.body).toContain(`nonce="${nonce}"`);
  expect(one.headers['cache-control']).toBe('no-store');
  expect(other.statusCode).toBe(200);
  expect(other.body).not.toContain(nonce);
});

test('the policy lets no inline script, no frame and no other host in', async () => {
  const policy = String((await visit('/')).headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).not.toContain('unsafe');
  expect(policy).toContain("frame-ancestors 'none'");
});

test('assets are kept for ever, and one that is gone is not the page', async () => {
  expect((await visit('/assets/a.js')).headers['cache-control']).toContain('immutable');
  expect((await visit('/assets/b.js')).statusCode).toBe(404);
  expect((await visit('/assets/..%2Findex.html')).statusCode).not.toBe(200);
});

test('assets come compressed to a browser that takes that', async () => {
  const ask = (encoding: string) =>
    app.inject({ url: '/assets/a.js', headers: { 'accept-encoding': encoding } });
  const compressed = await ask('gzip, br');
  expect(compressed.headers).toMatchObject({
    'content-encoding': 'br',
    vary: expect.stringMatching(/encoding/i),
  });
  expect(String(compressed.headers['content-type'])).toContain('javascript');
  expect(compressed.body).toBe('brotli');
  expect((await ask('identity')).body).toBe('1');
});

test.each(['/api/nothing', '/health/x', '/metrics/x'])('%s is never the page', async (url) => {
  const answer = await visit(url);
  expect(answer.statusCode).toBe(404);
  expect(answer.headers['content-type']).toContain('application/json');
});

test('what does not ask for a page gets none', async () => {
  expect((await visit('/mailboxes', 'application/json')).statusCode).toBe(404);
});
