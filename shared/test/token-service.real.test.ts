import { randomBytes, randomUUID } from 'node:crypto';
import { createDatabase, type Database } from '@mailstream/shared/db/database';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import type { GuardedFetch } from '@mailstream/shared/net/guarded-fetch';
import { createTokenService, type TokenService } from '@mailstream/shared/oauth/token-service';
import type { ProviderKey } from '@mailstream/shared/oauth/token-store';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore, type SecretName } from '@mailstream/shared/secrets/secret-store';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { assertNoCanary } from '@mailstream/shared/testing/canary';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { answerError, openOAuthServer, type TestOAuthServer } from '@mailstream/shared/testing/oauth-server';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const db = await useDatabase();
const tenant = tenantId(randomUUID());
const owner = new pg.Client({ connectionString: db.ownerUrl });
const databases: Database[] = [];
const logLines: string[] = [];
const log = createLogger({
  service: 'test',
  level: 'debug',
  pretty: false,
  destination: { write: (line) => logLines.push(line) },
});
const guard = createEgressGuard({ allowCidrs: ['127.0.0.0/8'] });
const ring = parseKeyRing(randomBytes(32).toString('base64'));
if (ring.kind === 'problem') throw new Error(ring.text);
const box = createSecretBox(ring.ring);
let provider: ProviderKey;
let oauth: TestOAuthServer;

function openDatabase(applicationName = 'tokens'): Database {
  const database = createDatabase({ url: db.url, applicationName, poolMax: 3 });
  databases.push(database);
  return database;
}

const main = openDatabase('main');
const secretsOf = (database: Database) => createSecretStore({ database, box, sources: [] });

/** One process. */
function service(options: { database?: Database; clock?: Clock; fetch?: GuardedFetch } = {}): TokenService {
  const database = options.database ?? main;
  return createTokenService({
    database,
    secrets: secretsOf(database),
    guard: { fetch: options.fetch ?? guard.fetch },
    clock: options.clock ?? systemClock,
    log,
  });
}

async function store(name: SecretName, value: string): Promise<void> {
  const ref = { tenant, providerId: provider.id, name };
  await main.withTenant(tenant, (trx) => secretsOf(main).write(trx, ref, new SecretValue(value)));
}

async function stored(name: SecretName): Promise<string | undefined> {
  return (await secretsOf(main).read({ tenant, providerId: provider.id, name }))?.reveal();
}

/** A stored access token that has lived `ageS` seconds and has `leftS` left. */
async function storeAccessToken(value: string, ageS: number, leftS: number): Promise<void> {
  await store('imap_access_token', value);
  await owner.query(
    `UPDATE imap_email_provider_config SET token_expires_at = now() + $2 * interval '1 s' WHERE email_provider_id = $1`,
    [provider.id, leftS],
  );
  await owner.query(
    `UPDATE provider_secrets SET updated_at = now() - $2 * interval '1 s' WHERE name = 'imap_access_token_' || $1::text`,
    [provider.id, ageS],
  );
}

async function setConfig(column: string, value: string): Promise<void> {
  await owner.query(`UPDATE imap_email_provider_config SET ${column} = $2 WHERE email_provider_id = $1`, [
    provider.id,
    value,
  ]);
}

async function faultOf(work: Promise<unknown>): Promise<FaultError['fault']> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FaultError)) throw new Error('not refused with a fault', { cause: error });
  assertNoCanary(error, canaries());
  return error.fault;
}

const canaries = () =>
  [
    ...oauth.issued,
    oauth.refreshToken,
    oauth.settings.clientSecret,
    ...oauth.requests.map((form) => form.get('refresh_token') ?? ''),
  ]
    .filter((value) => value !== '')
    .map((value) => ({ name: value.replace(/-.*/, ''), value }));

beforeAll(async () => {
  await owner.connect();
  await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'demo')`, [tenant]);
});

beforeEach(async () => {
  oauth = await openOAuthServer();
  provider = { tenant, id: providerId(randomUUID()) };
  await owner.query(
    `INSERT INTO email_providers (tenant, id, provider_name, mailbox) VALUES ($1, $2, 'demo', gen_random_uuid()::text)`,
    [tenant, provider.id],
  );
  await owner.query(
    `INSERT INTO imap_email_provider_config
       (tenant, email_provider_id, host, port, auth_type, username, oauth_token_url, oauth_client_id, oauth_scopes)
     VALUES ($1, $2, 'imap.test', 993, 'oauth2', 'user@example.com', $3, 'client', 'imap offline_access')`,
    [tenant, provider.id, oauth.tokenUrl],
  );
  await store('imap_oauth_client_secret', oauth.settings.clientSecret);
  await store('imap_refresh_token', oauth.refreshToken);
});

afterEach(async () => {
  await oauth.close();
  assertNoCanary(logLines.join('\n'), canaries());
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await owner.end();
});

describe('a token that lasts', () => {
  it('is handed out from the database without asking', async () => {
    await storeAccessToken('lasting', 60, 3_000);
    expect((await service().accessToken(provider)).reveal()).toBe('lasting');
    expect(oauth.requests).toHaveLength(0);
  });

  it('is one with over five minutes left, or over a fifth of a short life', async () => {
    await storeAccessToken('long, nearly over', 3_320, 280);
    expect((await service().accessToken(provider)).reveal()).toBe(oauth.issued[0]);
    await storeAccessToken('short, just begun', 10, 280);
    expect((await service().accessToken(provider)).reveal()).toBe('short, just begun');
    await storeAccessToken('short, nearly over', 240, 50);
    expect((await service().accessToken(provider)).reveal()).toBe(oauth.issued[1]);
    expect(oauth.requests).toHaveLength(2);
  });

  it('is judged by the clock of the database, however wrong ours is', async () => {
    await storeAccessToken('lasting', 60, 3_000);
    for (const shiftMs of [-86_400_000, 86_400_000]) {
      const clock = { ...systemClock, now: () => new Date(Date.now() + shiftMs) };
      expect((await service({ clock }).accessToken(provider)).reveal()).toBe('lasting');
    }
    await storeAccessToken('expired', 4_000, -400);
    const slow = { ...systemClock, now: () => new Date(Date.now() - 86_400_000) };
    expect((await service({ clock: slow }).accessToken(provider)).reveal()).toBe(oauth.issued[0]);
  });
});

describe('a refresh', () => {
  it('sends the refresh token and the client, and no scope', async () => {
    const refreshToken = oauth.refreshToken;
    await service().accessToken(provider);
    expect(Object.fromEntries(oauth.requests[0] ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: 'client',
      client_secret: oauth.settings.clientSecret,
    });
  });

  it('keeps the rotated refresh token and the access token with its expiry, all sealed', async () => {
    oauth.settings.expiresIn = 1_800;
    const token = await service().accessToken(provider);
    expect(await stored('imap_access_token')).toBe(token.reveal());
    expect(await stored('imap_refresh_token')).toBe(oauth.refreshToken);
    const { rows } = await owner.query<{ left: number; version: string }>(
      `SELECT extract(epoch FROM token_expires_at - now())::float8 AS left, config_version AS version
       FROM imap_email_provider_config WHERE email_provider_id = $1`,
      [provider.id],
    );
    expect(rows[0]?.left).toBeGreaterThan(1_780);
    expect(rows[0]?.left).toBeLessThanOrEqual(1_800);
    // A fresh token is no reason for listeners to reconnect.
    expect(rows[0]?.version).toBe('1');
    const dump = await owner.query('SELECT * FROM provider_secrets, imap_email_provider_config');
    assertNoCanary(dump.rows, canaries());
  });

  it('keeps the old refresh token where the provider does not rotate, and guesses a life where it is not told', async () => {
    Object.assign(oauth.settings, { rotates: false, expiresIn: undefined });
    const refreshToken = oauth.refreshToken;
    const one = service();
    await one.accessToken(provider);
    await one.accessToken(provider);
    expect(await stored('imap_refresh_token')).toBe(refreshToken);
    expect(oauth.requests).toHaveLength(1);
  });

  it('happens once for ten callers in each of two processes', async () => {
    const services = [service({ database: openDatabase() }), service({ database: openDatabase() })];
    const tokens = await Promise.all(
      services.flatMap((one) => Array.from({ length: 10 }, () => one.accessToken(provider))),
    );
    expect(oauth.requests).toHaveLength(1);
    expect(new Set(tokens.map((token) => token.reveal()))).toEqual(new Set(oauth.issued));
  });

  it('happens once for ten forced callers in each of two processes', async () => {
    await storeAccessToken('refused by the mail server', 600, 3_000);
    const services = [service({ database: openDatabase() }), service({ database: openDatabase() })];
    const force = { forceRefresh: true };
    const all = services.flatMap((one) => Array.from({ length: 10 }, () => one.accessToken(provider, force)));
    expect(new Set((await Promise.all(all)).map((token) => token.reveal()))).toEqual(new Set(oauth.issued));
    // The next one is refused as well: asking again at once would not help.
    expect((await services[0]?.accessToken(provider, force))?.reveal()).toBe(oauth.issued[0]);
    expect(oauth.requests).toHaveLength(1);
  });

  it('does not hold up leases while the token endpoint takes its time', async () => {
    let rows: number | null = null;
    oauth.before = async () => {
      await owner.query(`SET lock_timeout = '2s'`);
      const result = await owner.query(
        'UPDATE imap_email_provider_config SET lease_epoch = lease_epoch + 1 WHERE email_provider_id = $1',
        [provider.id],
      );
      rows = result.rowCount;
      return false;
    };
    await service().accessToken(provider);
    expect(rows).toBe(1);
  });

  it('asks with the settings as they are now', async () => {
    await setConfig('oauth_client_id', 'changed');
    await service().accessToken(provider);
    expect(oauth.requests[0]?.get('client_id')).toBe('changed');
  });

  it('asks for a token of the application where Microsoft’s scope says so and no user has consented', async () => {
    await main.withTenant(tenant, (trx) =>
      secretsOf(main).remove(trx, { tenant, providerId: provider.id }, ['imap_refresh_token']),
    );
    expect((await faultOf(service().accessToken(provider))).code).toBe('IMAP_CREDENTIALS_MISSING');
    await setConfig('oauth_scopes', 'https://outlook.office365.com/.default');
    expect((await service().accessToken(provider)).reveal()).toBe(oauth.issued[0]);
    expect(oauth.requests[0]?.get('grant_type')).toBe('client_credentials');
    expect(oauth.requests[0]?.get('scope')).toBe('https://outlook.office365.com/.default');
  });

  it('is waited for by idle', async () => {
    const one = service();
    let finished = false;
    void one.accessToken(provider).then(() => (finished = true));
    await one.idle();
    expect(finished).toBe(true);
  });
});

describe('between the answer and the commit', () => {
  /** A process that dies before its commit: the work is rolled back, and nothing of it is used again. */
  const dying: Database = {
    ...main,
    withTenant: (of, work) =>
      main.withTenant(of, async (trx, link) => {
        const result = await work(trx, link);
        if (oauth.issued.length > 0) throw new Error('killed');
        return result;
      }),
  };

  it('a lost connection costs nothing: the rotated token is stored over a new one', async () => {
    oauth.before = async () => {
      await owner.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut' AND datname = $1`,
        [db.name],
      );
      return false;
    };
    const one = service({ database: openDatabase('cut') });
    const token = await one.accessToken(provider);
    expect(oauth.requests).toHaveLength(1);
    expect(await stored('imap_refresh_token')).toBe(oauth.refreshToken);
    expect(await stored('imap_access_token')).toBe(token.reveal());
  });

  /** The same process: nothing commits until `recover` is called. */
  function failing(): { readonly database: Database; readonly recover: () => void } {
    let current = dying;
    const database: Database = { ...main, withTenant: (of, work) => current.withTenant(of, work) };
    return { database, recover: () => (current = main) };
  }

  it('a database that is down longer costs nothing: the next call stores, and asks nobody', async () => {
    const { database, recover } = failing();
    const one = service({ database });
    await storeAccessToken('refused by the mail server', 600, 3_000);
    await expect(one.accessToken(provider, { forceRefresh: true })).rejects.toThrow('killed');
    expect(await stored('imap_access_token')).toBe('refused by the mail server');
    recover();
    expect((await one.accessToken(provider)).reveal()).toBe(oauth.issued[0]);
    expect(await stored('imap_refresh_token')).toBe(oauth.refreshToken);
    expect(oauth.requests).toHaveLength(1);
  });

  it('what a person stored meanwhile wins over what could not be committed', async () => {
    const { database, recover } = failing();
    const one = service({ database });
    await expect(one.accessToken(provider)).rejects.toThrow('killed');
    oauth.refreshToken = 'refresh-from-reconnecting';
    await store('imap_refresh_token', oauth.refreshToken);
    recover();
    expect((await one.accessToken(provider)).reveal()).toBe(oauth.issued[1]);
    expect(oauth.requests.map((form) => form.get('refresh_token'))).toContain('refresh-from-reconnecting');
    expect(await stored('imap_refresh_token')).toBe(oauth.refreshToken);
  });

  it('a killed process leaves the old token, which lenient providers still take', async () => {
    oauth.settings.oldStaysValid = true;
    await expect(service({ database: dying }).accessToken(provider)).rejects.toThrow('killed');
    expect((await service().accessToken(provider)).reveal()).toBe(oauth.issued[1]);
  });

  it('a killed process at a strict provider ends in one clear request to reconnect, not in a loop', async () => {
    await expect(service({ database: dying }).accessToken(provider)).rejects.toThrow('killed');
    const next = service();
    for (let i = 0; i < 5; i += 1) {
      expect(await faultOf(next.accessToken(provider))).toMatchObject({
        kind: 'auth',
        code: 'OAUTH_REAUTHORIZE',
      });
    }
    expect(oauth.requests).toHaveLength(2);
  });
});

describe('a refusal', () => {
  it('invalid_grant asks for a new permission, once, until there is one', async () => {
    const one = service();
    const valid = oauth.refreshToken;
    await store('imap_refresh_token', 'revoked-by-the-user');
    for (let i = 0; i < 3; i += 1) {
      expect(await faultOf(one.accessToken(provider))).toEqual({
        kind: 'auth',
        code: 'OAUTH_REAUTHORIZE',
        detail: 'the token endpoint answered 400 invalid_grant',
      });
    }
    expect(oauth.requests).toHaveLength(1);
    await store('imap_refresh_token', valid);
    expect((await one.accessToken(provider)).reveal()).toBe(oauth.issued[0]);
  });

  it('invalid_grant is no refusal when somebody stored another token meanwhile', async () => {
    const valid = oauth.refreshToken;
    await store('imap_refresh_token', 'rotated-away');
    oauth.before = async ({ form }) => {
      if (form.get('refresh_token') === 'rotated-away') await store('imap_refresh_token', valid);
      return false;
    };
    expect((await service().accessToken(provider)).reveal()).toBe(oauth.issued[0]);
    expect(oauth.requests).toHaveLength(2);
  });

  it('of the client blames the application, and a corrected secret works at once', async () => {
    const one = service();
    await store('imap_oauth_client_secret', 'wrong-secret');
    expect(await faultOf(one.accessToken(provider))).toMatchObject({
      kind: 'misconfigured',
      code: 'OAUTH_CLIENT_REJECTED',
    });
    await store('imap_oauth_client_secret', oauth.settings.clientSecret);
    await one.accessToken(provider);
  });

  it('with 500 is transient, and the stored token is used as long as it can be', async () => {
    oauth.before = ({ response }) => {
      response.writeHead(500).end('<html>');
      return true;
    };
    const one = service();
    await storeAccessToken('two minutes left', 3_480, 120);
    expect((await one.accessToken(provider)).reveal()).toBe('two minutes left');
    await storeAccessToken('no time left', 3_590, 10);
    expect(await faultOf(one.accessToken(provider))).toMatchObject({
      kind: 'transient',
      code: 'OAUTH_UNAVAILABLE',
    });
    expect((await faultOf(one.accessToken(provider, { forceRefresh: true }))).code).toBe('OAUTH_UNAVAILABLE');
    oauth.before = () => false;
    await one.accessToken(provider);
  });

  it('with 429 names the pause, and nobody asks before it is over', async () => {
    oauth.before = ({ response }) => {
      answerError(response, 429, 'slow_down', { 'retry-after': '30' });
      return true;
    };
    let nowMs = 1_000;
    const one = service({ clock: { ...systemClock, monotonicMs: () => nowMs } });
    expect(await faultOf(one.accessToken(provider))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 30_000,
    });
    nowMs += 20_000;
    expect(await faultOf(one.accessToken(provider))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 10_000,
    });
    expect(oauth.requests).toHaveLength(1);
    oauth.before = () => false;
    nowMs += 10_000;
    await one.accessToken(provider);
    expect(oauth.requests).toHaveLength(2);
  });

  it('by silence is transient, and lets the next process have its turn', async () => {
    oauth.before = () => true;
    const hasty = service({ fetch: (url, init) => guard.fetch(url, { ...init, deadlineMs: 200 }) });
    expect(await faultOf(hasty.accessToken(provider))).toMatchObject({
      kind: 'transient',
      code: 'OAUTH_UNAVAILABLE',
    });
    oauth.before = () => false;
    await service({ database: openDatabase() }).accessToken(provider);
  });

  it('by a redirect, a page or a forbidden address is not worked around', async () => {
    oauth.before = ({ response }) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      return true;
    };
    expect((await faultOf(service().accessToken(provider))).code).toBe('OAUTH_CLIENT_REJECTED');
    oauth.before = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>login</html>');
      return true;
    };
    expect(await faultOf(service().accessToken(provider))).toMatchObject({
      kind: 'transient',
      code: 'OAUTH_UNAVAILABLE',
    });
    await setConfig('oauth_token_url', 'https://169.254.169.254/token');
    expect(await faultOf(service().accessToken(provider))).toMatchObject({
      kind: 'misconfigured',
      code: 'EGRESS_FORBIDDEN',
    });
  });

  it('comes from us when the provider is gone', async () => {
    await owner.query('DELETE FROM email_providers WHERE id = $1', [provider.id]);
    expect((await faultOf(service().accessToken(provider))).code).toBe('IMAP_CREDENTIALS_MISSING');
    expect(oauth.requests).toHaveLength(0);
  });
});
