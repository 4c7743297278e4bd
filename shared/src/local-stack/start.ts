/**
 * `npm start` after install and build: servers, schema, services, the demo tenant and a sample mail; then waits.
 *
 * Everything that is started is in the registry and is stopped in reverse: services, then servers. `.data/stack.json` is
 * there only while all of it works.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { streamName } from '../events/email-received.ts';
import { loadCredentials } from './credentials.ts';
import { DEMO_MAILBOX, ensureDemoMailbox, whenWatched } from './demo-mailbox.ts';
import { ensureDemoSmtp } from './demo-smtp.ts';
import { createDemoTenant, DEMO_EMAIL } from './demo-tenant.ts';
import { createLogin } from './login-role.ts';
import { createProcessRegistry, stopLeftovers, type IdentityOf } from './process-registry.ts';
import { summary } from './report.ts';
import { runLogged } from './run-logged.ts';
import { sendSample } from './sample-mail.ts';
import { LOGIN, startDatabase, startMailServer, startRedisServer, type MailEndpoints } from './servers.ts';
import { SERVICES, serviceEnvironment, startService } from './services.ts';
import { openStackFolder } from './stack-folder.ts';
import type { StackInfo } from './stack-info.ts';
import { choosePorts } from './stack-ports.ts';
import type { Stack } from './stack.ts';
import { watchStopSignals, type StopSignals } from './stop-signals.ts';
import { writeWhole } from './whole-file.ts';

export interface StartOptions {
  /** Of the clone. */
  readonly root: string;
  readonly ports: 'fixed' | 'random';
  readonly identityOf: IdentityOf;
  /** One line or more to the terminal. */
  readonly say: (line: string) => void;
}

const INTERRUPTED = 130;

/**
 * Resolves when everything has been stopped again, with the exit code.
 * @throws SetupError and Error when it could not start; nothing is left running then either.
 */
export async function startStack(options: StartOptions): Promise<number> {
  const signals = watchStopSignals();
  try {
    const stack = await openStack(options);
    return await runUntilStopped(stack, signals);
  } catch (error) {
    // What fails because it was stopped is no failure.
    if (signals.isRequested()) return INTERRUPTED;
    throw error;
  } finally {
    signals.dispose();
    if (signals.isRequested()) options.say('Stopped.');
  }
}

async function runUntilStopped(stack: Stack, signals: StopSignals): Promise<number> {
  void signals.requested.then(() => {
    stack.registry.close();
    stack.say('\nStopping …');
  });
  void signals.repeated.then(() => {
    stack.say('Killing what still runs.');
    stack.registry.killAll();
  });
  try {
    const hasStarted = bringUp(stack).then(() => true);
    const isReady = await Promise.race([hasStarted, signals.requested.then(() => false)]);
    if (!isReady) {
      // The step in hand fails or ends when what it waits for is stopped.
      await Promise.all([stopAll(stack), hasStarted.catch(() => undefined)]);
      return INTERRUPTED;
    }
    await signals.requested;
    return 0;
  } finally {
    stack.registry.close();
    await stopAll(stack);
  }
}

async function openStack({ root, ports: mode, identityOf, say }: StartOptions): Promise<Stack> {
  const folder = await openStackFolder(root);
  const left = await stopLeftovers(folder.processes, identityOf);
  if (left.length > 0) say(`Stopped what a killed run had left: ${left.join(', ')}`);
  const { database, redis } = outside();
  const ports = await choosePorts(mode, folder.ports, [
    ...(database === null ? [] : (['postgres'] as const)),
    ...(redis === null ? [] : (['redis'] as const)),
  ]);
  return {
    root,
    folder,
    ports,
    say,
    credentials: await loadCredentials(folder.credentials),
    registry: createProcessRegistry(folder.processes, identityOf),
    servers: [],
    services: [],
  };
}

function outside(): { readonly database: string | null; readonly redis: string | null } {
  const url = (name: string): string | null => process.env[name] || null;
  return { database: url('DATABASE_URL'), redis: url('REDIS_URL') };
}

async function bringUp(stack: Stack): Promise<void> {
  const startedAt = performance.now();
  const { credentials, say } = stack;
  const external = outside();
  say('Starting PostgreSQL, Redis and the mail server …');
  const [databaseUrls, redisUrl, mail] = await allOrNothing(
    startDatabase(stack, external.database),
    startRedisServer(stack, external.redis),
    startMailServer(stack),
  );
  await migrate(stack, databaseUrls.admin);
  if (external.database === null) {
    await createLogin(databaseUrls.admin, { user: LOGIN, password: credentials.loginPassword });
  }
  await createDemoTenant(databaseUrls.admin, credentials);
  const env = serviceEnvironment(stack, { database: databaseUrls.login, redis: redisUrl });

  say('Starting the services …');
  let publish = (): void => undefined;
  await Promise.all(SERVICES.map((kind) => startService(stack, kind, env, () => publish())));
  const api = { url: `http://127.0.0.1:${stack.ports.server}`, token: credentials.apiToken };
  const providerId = await ensureDemoMailbox(api, mail);
  await ensureDemoSmtp(api, mail, providerId, DEMO_MAILBOX);
  await whenWatched(databaseUrls.admin, credentials.tenantId, providerId);

  say('Sending a sample mail …');
  const stream = streamName(credentials.tenantId, env['IMAP_EVENT_CHANNEL_BY_TENANT'] === 'true');
  const arrival = await sendSample(mail, {
    redis: redisUrl,
    stream,
    admin: databaseUrls.admin,
    tenant: credentials.tenantId,
  });
  const info = (): StackInfo =>
    describe(stack, { databaseUrl: databaseUrls.admin, redisUrl, stream, mail, providerId, env });
  publish = () => void writeWhole(stack.folder.stackFile, JSON.stringify(info(), null, 2));
  await writeWhole(stack.folder.stackFile, JSON.stringify(info(), null, 2));
  say(summary(info(), arrival, (performance.now() - startedAt) / 1_000));
}

/** When one fails the others are let finish first: what they start would otherwise be missed by the clean-up. */
async function allOrNothing<T extends readonly Promise<unknown>[]>(
  ...started: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(started);
  return Promise.all(started) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}

/** As a process of its own: `migrations` builds on `shared`, so `shared` cannot import it. */
async function migrate(stack: Stack, adminUrl: string): Promise<void> {
  await runLogged(
    process.execPath,
    [join(stack.root, 'migrations', 'dist', 'main.js')],
    stack.folder.log('migrations'),
    { MIGRATION_DATABASE_URL: adminUrl },
  );
}

function describe(
  stack: Stack,
  parts: Pick<StackInfo, 'databaseUrl' | 'redisUrl' | 'stream' | 'providerId' | 'env'> & {
    readonly mail: MailEndpoints;
  },
): StackInfo {
  const { mail, ...rest } = parts;
  const { ports, credentials } = stack;
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const pids = Object.fromEntries(
    stack.services.map((service) => [service.current().name, service.current().pid]),
  );
  const pid = (name: string): number => pids[name] ?? 0;
  return {
    ui: url(ports.server),
    api: url(ports.server),
    emailService: url(ports.emailService),
    worker: url(ports.worker),
    ...rest,
    ...mail,
    login: { email: DEMO_EMAIL, password: credentials.userPassword },
    tenantId: credentials.tenantId,
    apiToken: credentials.apiToken,
    pids: { emailService: pid('email-service'), worker: pid('workflow-worker'), server: pid('server') },
  };
}

async function stopAll({ folder, services, servers, registry }: Stack): Promise<void> {
  await rm(folder.stackFile, { force: true });
  // The registry knows also those that were still starting.
  await Promise.all([
    ...services.map((service) => service.stop()),
    registry.stop(SERVICES.map(({ name }) => name)),
  ]);
  await Promise.all([...servers.map((server) => server.stop()), registry.stop()]);
}
