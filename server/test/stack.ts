/** The whole system as processes, for tests of the UI: daemon, worker and server on the test file's own database, Redis number and storage. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { useDovecot, type TestDovecot } from '@mailstream/shared/testing/fixtures';
import { deliver } from '@mailstream/shared/testing/deliver';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import {
  isWatching,
  startDaemon,
  useWorld,
  type Daemon,
  type World,
} from '../../services/email-service/test/daemon.ts';
import { createPasswordHasher } from '../src/adapters/argon2-passwords.ts';

export const PASSWORD = 'correct horse battery staple';

const main = (path: string): string => fileURLToPath(new URL(`../../${path}/dist/main.js`, import.meta.url));

export interface TestStack {
  /** Where the UI is, e.g. `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly world: World;
  readonly dovecot: TestDovecot;
  readonly tenant: TenantId;
  readonly providerId: ProviderId;
  readonly processes: Readonly<Record<'server' | 'daemon' | 'worker', Daemon>>;
  /** Adds a user with `PASSWORD`. */
  addUser(role: 'viewer' | 'admin' | 'operator', email: string): Promise<string>;
  /** One more server on the same stores, on any port that is free unless told otherwise. */
  startServer(port?: number): Promise<{ readonly origin: string; readonly process: Daemon }>;
  /** Hands a mail to the mailbox of the stack. */
  send(mail: {
    readonly subject: string;
    readonly from?: string;
    readonly id?: string;
    readonly raw?: string;
  }): Promise<void>;
}

/**
 * Call at top level. Resolves when the mailbox is watched.
 * @param more environment of all processes, and of the server
 */
export async function useStack(
  more: {
    readonly env?: Readonly<Record<string, string>>;
    readonly server?: Readonly<Record<string, string>>;
  } = {},
): Promise<TestStack> {
  const world = await useWorld();
  const dovecot = useDovecot();
  const username = dovecot.newUser();
  const { tenant, id: providerId } = await world.addProvider({ ...dovecot, username });
  await world.sql(`UPDATE tenants SET name = 'Acme Helpdesk'`);
  await world.sql(`UPDATE email_providers SET provider_name = 'Support', mailbox = 'support@example.com'`);
  const started: Daemon[] = [];
  afterAll(async () => {
    await Promise.all(started.map((process) => process.stop()));
  });
  const start = (path: string, env: Readonly<Record<string, string>> = {}): Daemon => {
    const process = startDaemon({ ...world.env, HOST: '127.0.0.1', ...more.env, ...env }, main(path));
    started.push(process);
    return process;
  };
  const startServer = async (wanted = 0): Promise<{ origin: string; process: Daemon }> => {
    const process = start('server', {
      LOGIN_LIMIT_PER_MINUTE: '1000',
      PORT: String(wanted),
      ...more.server,
    });
    const { port } = await process.waitForLog(({ message }) => message === 'listening');
    return { origin: `http://127.0.0.1:${String(port)}`, process };
  };
  const daemon = start('services/email-service');
  // What fails is a dead letter at once.
  const worker = start('services/workflow-worker', { WORKER_MAX_ATTEMPTS: '1' });
  const { origin, process: server } = await startServer();
  await daemon.waitForLog(isWatching());
  const passwordHash = await createPasswordHasher().hash(PASSWORD);
  let sent = 0;
  return {
    ...{ origin, world, dovecot, tenant, providerId, startServer },
    processes: { server, daemon, worker },
    async addUser(role, email) {
      const id = randomUUID();
      await world.sql(
        'INSERT INTO users (tenant, id, email, display_name, role, password_hash) VALUES ($1, $2, $3, $4, $5, $6)',
        [tenant, id, email, `${role[0]?.toUpperCase() ?? ''}${role.slice(1)}`, role, passwordHash],
      );
      return id;
    },
    async send({ subject, from = 'kunde@example.org', id = `<${randomUUID()}@example.org>`, raw }) {
      sent += 1;
      const mail =
        raw ??
        [
          `From: Karla Kunde <${from}>`,
          'To: support@example.com',
          `Subject: ${subject}`,
          `Message-ID: ${id}`,
          `Date: ${new Date().toUTCString()}`,
          '',
          `Mail number ${sent}.`,
          '',
        ].join('\r\n');
      await deliver({
        host: dovecot.host,
        port: dovecot.lmtpPort,
        from,
        to: `${username}@example.com`,
        raw: Buffer.from(mail),
      });
    },
  };
}
