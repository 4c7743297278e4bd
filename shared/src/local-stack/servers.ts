/** The three servers below the services: PostgreSQL, Redis and a mail server, each started or replaced by a URL. */
import pg from 'pg';
import { startGreenmailContainer, startRedisContainer, type ContainerOptions } from './docker-server.ts';
import { startDovecot } from './dovecot-server.ts';
import { MAIL_SERVER, obtain, REDIS, type Means } from './obtain.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';
import type { ServerProcess } from './server-process.ts';
import type { StackFolder } from './stack-folder.ts';
import { supervise } from './supervisor.ts';
import type { Stack } from './stack.ts';

export const DATABASE = 'mailstream';
/** What the services log in to the embedded PostgreSQL as. */
export const LOGIN = 'mailstream';

export interface MailEndpoints {
  readonly imap: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
  };
  readonly smtp: { readonly host: string; readonly port: number; readonly lmtp: boolean };
}

/** What `npm start` can be told from outside. */
export interface ExternalUrls {
  readonly database: string | null;
  readonly redis: string | null;
}

/** @returns URL of the administrator, and of the services, to the database `mailstream`. */
export async function startDatabase(
  stack: Stack,
  external: string | null,
): Promise<{ admin: string; login: string }> {
  if (external !== null) return { admin: external, login: external };
  const { folder, ports, credentials } = stack;
  const server = await keep(stack, 'PostgreSQL', () =>
    startPostgres({
      dataDir: folder.postgres,
      port: ports.postgres,
      password: credentials.postgresPassword,
      logFile: folder.log('postgres'),
      isDurable: true,
      spawn: stack.registry.spawn,
    }),
  );
  await createDatabase(server);
  return {
    admin: server.urlOf(DATABASE),
    login: server.urlOf(DATABASE, { user: LOGIN, password: credentials.loginPassword }),
  };
}

async function createDatabase(server: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** @returns its URL. @throws SetupError when there is no Redis and no way to get one. */
export async function startRedisServer(stack: Stack, external: string | null): Promise<string> {
  if (external !== null) return external;
  const { folder, ports, credentials } = stack;
  const means = await obtain(REDIS, obtaining(stack, folder));
  const options = { dataDir: folder.redis, port: ports.redis, password: credentials.redisPassword };
  const server = await keep(stack, 'Redis', () =>
    means.kind === 'docker'
      ? startRedisContainer({ ...container(stack, means, 'redis'), ...options })
      : startRedis({
          ...options,
          program: means.path,
          logFile: folder.log('redis'),
          isDurable: true,
          spawn: stack.registry.spawn,
        }),
  );
  return server.url;
}

/** @throws SetupError when there is no mail server and no way to get one. */
export async function startMailServer(stack: Stack): Promise<MailEndpoints> {
  const { folder, ports, credentials } = stack;
  const means = await obtain(MAIL_SERVER, obtaining(stack, folder));
  const imap = { host: '127.0.0.1', port: ports.imap, user: 'demo', password: credentials.mailPassword };
  const smtp = { host: '127.0.0.1', port: ports.lmtp, lmtp: true };
  if (means.kind === 'docker') {
    await keep(stack, 'GreenMail', () =>
      startGreenmailContainer({
        ...container(stack, means, 'greenmail'),
        imapPort: ports.imap,
        smtpPort: ports.lmtp,
      }),
    );
    return { imap: { ...imap, user: 'demo@localhost' }, smtp: { ...smtp, lmtp: false } };
  }
  await keep(stack, 'Dovecot', () =>
    startDovecot({
      program: means.path,
      dataDir: folder.mail,
      imapPort: ports.imap,
      imapsPort: ports.imaps,
      lmtpPort: ports.lmtp,
      password: credentials.mailPassword,
      logFile: folder.log('dovecot'),
      isDurable: true,
      spawn: stack.registry.spawn,
    }),
  );
  return { imap, smtp };
}

function obtaining(stack: Stack, folder: StackFolder): Parameters<typeof obtain>[1] {
  return { say: stack.say, logFile: folder.log('install'), mayUseDocker: true };
}

function container(stack: Stack, means: Means & { kind: 'docker' }, name: string): ContainerOptions {
  return {
    docker: means.docker,
    image: means.image,
    folder: stack.folder.path,
    logFile: stack.folder.log(name),
    spawn: stack.registry.spawn,
  };
}

async function keep<T extends ServerProcess>(
  stack: Stack,
  name: string,
  launch: () => Promise<T>,
): Promise<T> {
  const supervised = await supervise({ name, launch, say: stack.say, onRestarted: () => undefined });
  stack.servers.push(supervised);
  return supervised.current();
}
