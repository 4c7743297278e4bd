/** The first tenant of an installation and its first user, made as an operator makes them, on a real database. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { useEmptyDatabase } from '@mailstream/shared/testing/fixtures';
import { run } from '../src/create-tenant/compose.ts';
import type { Outcome } from '../src/create-tenant/create-tenant.ts';
import { parseOptions } from '../src/create-tenant/options.ts';
import { toAnswer, useServer, type Answer } from './harness.ts';

const { app, call, owner, databaseUrl } = await useServer();
const empty = await useEmptyDatabase();
const MAIN = fileURLToPath(new URL('../dist/create-tenant/main.js', import.meta.url));
const PASSWORD = 'correct horse battery';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built program, as the image runs it. */
function program(argv: readonly string[], env: Readonly<Record<string, string>>, input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...argv], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    const read = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (read.out += chunk));
    child.stderr.on('data', (chunk: Buffer) => (read.err += chunk));
    child.once('close', (code) => resolve({ code, ...read }));
    child.stdin.end(input);
  });
}

/** The same in this process: what it prints, and whether it did what was asked. */
function create(argv: readonly string[], password = ''): Promise<Outcome> {
  const parsed = parseOptions(argv);
  if (parsed.kind !== 'options') throw new Error(JSON.stringify(parsed));
  return run({ databaseUrl, isCitus: false, publicUrl: 'https://mail.example' }, parsed.options, {
    input: Readable.from([password]),
    output: new PassThrough(),
    isInteractive: false,
  });
}

async function logIn(email: string, password: string): Promise<Answer & { readonly cookie: string }> {
  const response = await app.inject({ method: 'POST', url: '/api/auth/login', payload: { email, password } });
  return { ...toAnswer(response), cookie: `mailstream_session=${response.cookies[0]?.value ?? ''}` };
}

const setPassword = (token: string): Promise<Answer> =>
  call('POST', '/api/auth/password-link', { token: null, body: { token, password: PASSWORD } });

const tokenIn = (text: string): string => /\/password#(\S+)/.exec(text)?.[1] ?? '';

async function countOf(email: string): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM users WHERE lower(email) = lower($1)',
    [email],
  );
  return rows[0]?.n ?? -1;
}

describe('the program', () => {
  test('makes a tenant whose first user sets a password with the link, once, and lets others in', async () => {
    const made = await program(['--name=Example', '--email=Ada@Example.org', '--operator'], {
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: 'https://mail.example/ignored',
    });
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('https://mail.example/password#');
    expect((await logIn('ada@example.org', PASSWORD)).status).toBe(401);
    expect((await setPassword(tokenIn(made.out))).status).toBe(204);
    expect((await setPassword(tokenIn(made.out))).status).toBe(409);
    const { status, cookie } = await logIn('ada@example.org', PASSWORD);
    expect(status).toBe(200);
    const as = (more: object = {}) => ({
      token: null,
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      ...more,
    });
    const me = await call('GET', '/api/auth/me', as());
    expect(me.json).toMatchObject({ email: 'ada@example.org', tenant: { name: 'Example' } });
    expect(me.json.scopes).toContain('operator');
    expect((await call('GET', '/api/imap/status', as())).status).toBe(200);
    const invited = await call(
      'POST',
      '/api/users',
      as({ body: { email: 'bob@example.org', displayName: 'Bob', role: 'viewer' } }),
    );
    expect(invited.status).toBe(201);
    const log = await call('GET', '/api/audit-log', as());
    const { items } = JSON.parse(log.text) as {
      items: { actor: { type: string; id: string }; action: string }[];
    };
    const system = items.filter(({ actor }) => actor.type === 'system');
    expect(system.map(({ action }) => action).sort()).toEqual(['tenant.created', 'user.created']);
    expect(system.map(({ actor }) => actor.id)).toEqual(['create-tenant', 'create-tenant']);
  });

  test('takes a password from the standard input, shows it nowhere, and is harmless when run again', async () => {
    const argv = ['--name=Stdin', '--email=stdin@example.org', '--password-stdin'];
    const made = await program(argv, { DATABASE_URL: databaseUrl }, `${PASSWORD}\n`);
    expect(made.code, made.err).toBe(0);
    expect(made.out + made.err).not.toContain(PASSWORD);
    expect((await logIn('stdin@example.org', PASSWORD)).status).toBe(200);
    const { rows } = await owner.query<{ text: string }>(
      'SELECT row_to_json(a)::text AS text FROM audit_log a',
    );
    expect(rows.map(({ text }) => text).join()).not.toMatch(/argon2|correct horse/);
    const again = await create(argv, 'another good password');
    expect(again.isDone).toBe(true);
    expect(again.lines.join(' ')).toMatch(/here already.*the password neither/);
    expect((await logIn('stdin@example.org', PASSWORD)).status).toBe(200);
    expect(await countOf('stdin@example.org')).toBe(1);
  });

  test('says what is wrong: the call, the settings, the database', async () => {
    const [call64, settings, away, old] = await Promise.all([
      program(['--name=x', '--password=geheim geheim'], { DATABASE_URL: databaseUrl }),
      program(['--name=x', '--email=a@b'], { PUBLIC_URL: 'ftp://x' }),
      program(['--name=x', '--email=a@b'], { DATABASE_URL: 'postgres://nobody:geheim@127.0.0.1:1/none' }),
      program(['--name=x', '--email=a@b'], { DATABASE_URL: empty.url }),
    ]);
    expect(call64).toMatchObject({
      code: 64,
      out: '',
      err: expect.stringContaining('--password is refused'),
    });
    expect(settings).toMatchObject({ code: 78, err: expect.stringMatching(/DATABASE_URL[^]*PUBLIC_URL/) });
    expect(away).toMatchObject({ code: 1, err: expect.stringContaining('The database cannot be reached.') });
    expect(old).toMatchObject({ code: 1, err: expect.stringContaining('run the migration first') });
    for (const { err } of [call64, settings, away, old]) expect(err).not.toContain('geheim');
  });
});

describe('the same call again', () => {
  test('changes nothing, whatever the case of the letters, and says so', async () => {
    await create(['--name=Twice', '--email=twice@example.org']);
    const again = await create(['--name=TWICE', '--email=Twice@Example.org', '--operator']);
    expect(again.isDone).toBe(true);
    expect(again.lines.join('\n')).toMatch(/here already[^]*admin, not operator[^]*--new-link/);
    expect(await countOf('twice@example.org')).toBe(1);
  });

  test('four at once make one tenant', async () => {
    const argv = ['--name=Crowd', '--email=crowd@example.org'];
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => create(argv)));
    expect(outcomes.filter(({ lines }) => lines[0]?.includes('is made'))).toHaveLength(1);
    expect(await countOf('crowd@example.org')).toBe(1);
  });

  test('a link that was lost is made anew, and the old one ends', async () => {
    const argv = ['--name=Lost', '--email=lost@example.org'];
    const first = await create(argv);
    const second = await create([...argv, '--new-link']);
    expect((await setPassword(tokenIn(first.lines.join('\n')))).status).toBe(409);
    expect((await setPassword(tokenIn(second.lines.join('\n')))).status).toBe(204);
    const { rows } = await owner.query(
      `SELECT FROM audit_log WHERE actor_id = 'create-tenant' AND action = 'user.password_link'`,
    );
    expect(rows).toHaveLength(1);
  });
});

describe('what cannot be done', () => {
  test('a new link for nobody, or for somebody who is disabled', async () => {
    expect(await create(['--name=Nobody', '--email=nobody@example.org', '--new-link'])).toMatchObject({
      isDone: false,
    });
    const argv = ['--name=Off', '--email=off@example.org'];
    await create(argv);
    await owner.query(`UPDATE users SET disabled_at = now() WHERE email = 'off@example.org'`);
    const refused = await create([...argv, '--new-link']);
    expect(refused.isDone).toBe(false);
    expect(refused.lines[0]).toContain('is disabled');
  });

  test('a tenant for an address that could not log in there any more', async () => {
    for (let n = 1; n <= 5; n += 1)
      expect((await create([`--name=Many ${n}`, '--email=many@example.org'])).isDone).toBe(true);
    const refused = await create(['--name=Many 6', '--email=many@example.org']);
    expect(refused.isDone).toBe(false);
    expect(refused.lines[0]).toContain('accounts in 5 tenants');
    const { rows } = await owner.query(`SELECT FROM tenants WHERE name = 'Many 6'`);
    expect(rows).toHaveLength(0);
  });

  test('the application makes a tenant only under the id that its transaction names', async () => {
    const client = await owner.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        `SELECT set_config('role', 'mailstream_app', true), set_config('mailstream.tenant', gen_random_uuid()::text, true)`,
      );
      await expect(
        client.query(`INSERT INTO tenants (tenant, name) VALUES (gen_random_uuid(), 'stray')`),
      ).rejects.toThrow('row-level security');
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});

test('the npm script and the image run the same file', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['create-tenant']).toBe('node --enable-source-maps dist/create-tenant/main.js');
});
