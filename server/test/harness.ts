/** A whole server on a real database, with two tenants in it. Only the mail server is a double: it is somebody else's machine. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance, InjectOptions } from 'fastify';
import pg from 'pg';
import { afterAll } from 'vitest';
import { createChangeTeller, type ChangeTeller } from '@mailstream/shared/db/change-teller';
import { createDatabase, type Database } from '@mailstream/shared/db/database';
import { tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { imapTlsContext } from '@mailstream/shared/imap/imap-client';
import { plaintextPolicy } from '@mailstream/shared/imap/plaintext-policy';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import { createLogger } from '@mailstream/shared/runtime/logger';
import type { Service } from '@mailstream/shared/runtime/lifecycle';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import { parseKeyRing } from '@mailstream/shared/secrets/key-ring';
import { createSecretBox } from '@mailstream/shared/secrets/secret-box';
import { createSecretStore, type SecretStore } from '@mailstream/shared/secrets/secret-store';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { Storage } from '@mailstream/shared/storage/storage';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createPasswordHasher } from '../src/adapters/argon2-passwords.ts';
import { createPgChangeFeed } from '../src/adapters/pg-change-feed.ts';
import { createHealth } from '../src/adapters/health.ts';
import { createApiTokenStore } from '../src/adapters/pg-api-tokens.ts';
import { createAuditLogStore } from '../src/adapters/pg-audit-log.ts';
import { createTenantStore } from '../src/adapters/pg-tenants.ts';
import { createUserStore } from '../src/adapters/pg-users.ts';
import { createOAuthClient } from '../src/adapters/oauth-client.ts';
import { createAccountStore } from '../src/adapters/pg-accounts.ts';
import { createDeadLetterStore } from '../src/adapters/pg-dead-letters.ts';
import { createClientStore } from '../src/adapters/pg-clients.ts';
import { createJobStore } from '../src/adapters/pg-jobs.ts';
import { createMessageStore } from '../src/adapters/pg-messages.ts';
import { createSmtpServer } from '../src/adapters/mail-smtp-server.ts';
import { createAuthorizationStore } from '../src/adapters/pg-oauth-authorizations.ts';
import { createOperationsStore } from '../src/adapters/pg-operations.ts';
import { createOutboundStore } from '../src/adapters/pg-outbound.ts';
import { createProviderStore } from '../src/adapters/pg-providers.ts';
import { createQuotaStore } from '../src/adapters/pg-quotas.ts';
import { createRuleStore } from '../src/adapters/pg-rules.ts';
import { createSmtpStore } from '../src/adapters/pg-smtp-settings.ts';
import { createReplyStore } from '../src/adapters/pg-ticket-replies.ts';
import { createTicketStore } from '../src/adapters/pg-tickets.ts';
import { buildApp, type AppOptions, type AppPorts } from '../src/app.ts';
import { SCOPES, type Scope } from '../src/contracts/session.ts';
import { sha256 } from '../src/use-cases/accounts.ts';
import { MailServerDouble } from './mail-server-double.ts';

export const PASSWORD = 'correct horse battery staple';

export interface TestTenant {
  readonly tenant: TenantId;
  /** With every scope. */
  readonly token: string;
  /** One user for each role; all with `PASSWORD`. */
  readonly users: Readonly<
    Record<'viewer' | 'admin' | 'operator', { readonly id: string; readonly email: string }>
  >;
}

export interface Harness {
  readonly app: FastifyInstance;
  readonly database: Database;
  readonly databaseUrl: string;
  /** No row-level security: for arranging and asserting. */
  readonly owner: pg.Pool;
  readonly secrets: SecretStore;
  readonly storage: Storage;
  readonly mailServer: MailServerDouble;
  readonly ports: AppPorts;
  readonly appOptions: AppOptions;
  readonly logLines: string[];
  readonly a: TestTenant;
  readonly b: TestTenant;
  /** Not started: a test that wants live changes starts both. */
  readonly feed: Service;
  readonly changes: ChangeTeller;
  /** Moves the clock of sessions and tokens. */
  advance(ms: number): void;
  token(tenant: TenantId, scopes: readonly Scope[], more?: Partial<TokenDates>): Promise<string>;
  /** JSON with the token of tenant A unless told otherwise. */
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, more?: CallOptions): Promise<Answer>;
  /** Another application on the same stores, for tests that need other options. */
  rebuild(options: Partial<AppOptions>): Promise<FastifyInstance>;
}

interface TokenDates {
  readonly expiresAt: Date;
  readonly revokedAt: Date;
}

export interface CallOptions {
  readonly body?: unknown;
  /** Null sends none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  // Tests look into answers of every shape; a wrong guess fails them.
  readonly json: JsonValue;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Loosely typed JSON: `answer.json.error.fields[0].code` reads naturally, and is undefined-safe only where the test expects it. */
export interface JsonValue {
  readonly [key: string]: JsonValue & JsonValue[] & string & number & boolean & null;
}

const APP_OPTIONS: AppOptions = {
  publicOrigin: null,
  trustedProxies: [],
  sessionTtlMs: 3_600_000,
  limits: { loginsPerMinute: 10_000, testsPerMinute: 10_000 },
  webRoot: null,
  version: '0.0.0-test',
  jobBoard: null,
  limitsRedis: null,
};

/** A domain that says nothing about its mail. */
const NO_DIRECTORY: AppPorts['mailDirectory'] = {
  mailExchangers: () => Promise.resolve([]),
  imapServices: () => Promise.resolve([]),
  autoconfig: () => Promise.resolve([]),
};

/** What real adapters in place of doubles need. */
export interface HarnessParts {
  readonly database: Database;
  readonly secrets: SecretStore;
  readonly log: AppPorts['log'];
}

/** @param replace ports that a file wants otherwise, e.g. a real mail server in place of the double */
export async function useServer(
  options: Partial<AppOptions> & { readonly feedUrl?: string } = {},
  replace: (parts: HarnessParts) => Partial<AppPorts> = () => ({}),
): Promise<Harness> {
  const clone = await useDatabase();
  const owner = new pg.Pool({ connectionString: clone.ownerUrl, max: 2 });
  // At the end the database is dropped under connections that are only closing.
  owner.on('error', () => undefined);
  const database = createDatabase({ url: clone.url, applicationName: 'server-test', poolMax: 5 });
  const directory = await mkdtemp(join(tmpdir(), 'mailstream-server-'));
  const storage = createStorage(pathToFileURL(directory).href);
  const ring = parseKeyRing(randomBytes(32).toString('base64'));
  if (ring.kind === 'problem') throw new Error(ring.text);
  const box = createSecretBox(ring.ring);
  const secrets = createSecretStore({ database, box, sources: [] });
  const logLines: string[] = [];
  const mailServer = new MailServerDouble();
  let offsetMs = 0;
  const log = createLogger({
    service: 'server-test',
    level: 'debug',
    pretty: false,
    destination: { write: (line) => void logLines.push(line) },
  });
  const changes = createChangeTeller({ database, clock: systemClock, log });
  const feed = createPgChangeFeed({
    database,
    directUrl: options.feedUrl ?? clone.url,
    clock: systemClock,
    log,
    pollMs: 50,
  });
  const ports: AppPorts = {
    accounts: createAccountStore(database),
    users: createUserStore(database),
    apiTokens: createApiTokenStore(database),
    tenants: createTenantStore(database),
    auditLog: createAuditLogStore(database),
    passwords: createPasswordHasher(),
    providers: createProviderStore({ database, secrets, sources: [] }),
    mailServer,
    mailDirectory: NO_DIRECTORY,
    authorizations: createAuthorizationStore({ database, box }),
    oauthClient: createOAuthClient({
      fetch: () => Promise.reject(new Error('no OAuth here')),
      now: () => new Date(),
    }),
    messages: createMessageStore(database),
    deadLetters: createDeadLetterStore(database),
    tickets: createTicketStore(database),
    clients: createClientStore(database),
    rules: createRuleStore(database),
    operations: createOperationsStore(database),
    smtp: createSmtpStore({ database, secrets }),
    smtpServer: createSmtpServer({
      tokens: { accessToken: () => Promise.reject(new Error('no OAuth here')) },
      clock: systemClock,
      deadlineMs: 5_000,
      smtp: {
        guard: createEgressGuard({ allowCidrs: ['127.0.0.0/8'] }),
        plaintext: plaintextPolicy(['127.0.0.0/8']),
        tls: imapTlsContext(),
        timeouts: { connectMs: 2_000, silenceMs: 2_000 },
      },
    }),
    replies: createReplyStore(database),
    outbound: createOutboundStore(database),
    jobs: createJobStore(database),
    quotas: createQuotaStore(database),
    raw: storage,
    health: createHealth({ database, metrics: createMetrics() }),
    observer: {
      onRequest: () => undefined,
      onLogin: () => undefined,
      onQuotaRefusal: () => undefined,
      onEventStreams: () => undefined,
    },
    feed,
    changes,
    clock: systemClock,
    log,
    now: () => new Date(Date.now() + offsetMs),
    ...replace({ database, secrets, log }),
  };
  const apps: FastifyInstance[] = [];
  const rebuild = async (more: Partial<AppOptions>): Promise<FastifyInstance> => {
    const app = await buildApp(ports, { ...APP_OPTIONS, ...options, ...more });
    apps.push(app);
    return app;
  };
  const app = await rebuild({});
  const passwordHash = await ports.passwords.hash(PASSWORD);
  const token = (tenant: TenantId, scopes: readonly Scope[], dates: Partial<TokenDates> = {}) =>
    insertToken(owner, tenant, scopes, dates);
  const seed = (name: string) => seedTenant(owner, name, passwordHash, token);
  const [a, b] = [await seed('a'), await seed('b')];

  afterAll(async () => {
    for (const one of apps) await one.close();
    await Promise.all([feed.stop(), changes.stop()]);
    await storage.close();
    await database.close();
    await owner.end();
    await rm(directory, { recursive: true, force: true });
  });

  return {
    ...{
      app,
      database,
      databaseUrl: clone.url,
      owner,
      secrets,
      storage,
      mailServer,
      ports,
      appOptions: { ...APP_OPTIONS, ...options },
      logLines,
      a,
      b,
      feed,
      changes,
      token,
      rebuild,
    },
    advance: (ms) => {
      offsetMs += ms;
    },
    call: (method, url, more = {}) => call(app, a.token, method, url, more),
  };
}

async function call(
  app: FastifyInstance,
  defaultToken: string,
  method: NonNullable<InjectOptions['method']>,
  url: string,
  { body, token = defaultToken, headers = {} }: CallOptions,
): Promise<Answer> {
  const response = await app.inject({
    method,
    url,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { payload: body as object }),
  });
  return toAnswer(response);
}

export function toAnswer(response: Awaited<ReturnType<FastifyInstance['inject']>>): Answer {
  const isJson = String(response.headers['content-type']).startsWith('application/json');
  return {
    status: response.statusCode,
    json: (isJson ? response.json() : {}) as JsonValue,
    text: response.body,
    headers: response.headers,
  };
}

async function seedTenant(
  owner: pg.Pool,
  name: string,
  passwordHash: string,
  token: Harness['token'],
): Promise<TestTenant> {
  const tenant = tenantId(randomUUID());
  await owner.query('INSERT INTO tenants (tenant, name) VALUES ($1, $2)', [tenant, `Tenant ${name}`]);
  const user = async (role: string): Promise<{ id: string; email: string }> => {
    const row = { id: randomUUID(), email: `${role}@${name}.example` };
    await owner.query(
      'INSERT INTO users (tenant, id, email, display_name, role, password_hash) VALUES ($1, $2, $3, $4, $5, $6)',
      [tenant, row.id, row.email, `${role} of ${name}`, role, passwordHash],
    );
    return row;
  };
  const users = {
    viewer: await user('viewer'),
    admin: await user('admin'),
    operator: await user('operator'),
  };
  return { tenant, users, token: await token(tenant, SCOPES) };
}

async function insertToken(
  owner: pg.Pool,
  tenant: TenantId,
  scopes: readonly Scope[],
  dates: Partial<TokenDates>,
): Promise<string> {
  const token = `mst_${randomBytes(24).toString('base64url')}`;
  await owner.query(
    `INSERT INTO api_tokens (tenant, id, name, token_hash, scopes, expires_at, revoked_at)
     VALUES ($1, $2, 'test', $3, $4, $5, $6)`,
    [
      ...[tenant, randomUUID(), Buffer.from(sha256(token)), JSON.stringify(scopes)],
      ...[dates.expiresAt ?? null, dates.revokedAt ?? null],
    ],
  );
  return token;
}
