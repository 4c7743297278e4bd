/** The three services as child processes, from what `npm run build` made. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { whenReady, type ServerProcess } from './server-process.ts';
import { rotateLog } from './stack-folder.ts';
import type { PortName } from './stack-ports.ts';
import type { Stack } from './stack.ts';
import { supervise, type Supervised } from './supervisor.ts';
import { SetupError } from './setup-error.ts';

export interface ServiceKind {
  /** As in `.data/stack.json` and in the names of ports. */
  readonly key: PortName & ('emailService' | 'worker' | 'server');
  readonly name: string;
  readonly folder: string;
  /** Of Node, as the package's own start script gives them. */
  readonly nodeOptions: readonly string[];
}

/** With which Node runs the daemon: why, the Dockerfile says. Whoever starts one as it is shipped takes them from here. */
export const DAEMON_NODE_OPTIONS: readonly string[] = [
  '--enable-source-maps',
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  '--v8-pool-size=0',
];

export const SERVICES: readonly ServiceKind[] = [
  {
    key: 'emailService',
    name: 'email-service',
    folder: 'services/email-service',
    nodeOptions: DAEMON_NODE_OPTIONS,
  },
  {
    key: 'worker',
    name: 'workflow-worker',
    folder: 'services/workflow-worker',
    nodeOptions: ['--enable-source-maps'],
  },
  { key: 'server', name: 'server', folder: 'server', nodeOptions: ['--enable-source-maps'] },
];

/** Loopback: the mail server of this stack, and whatever else somebody tries on their own machine. */
const LOOPBACK = '127.0.0.0/8,::1/128';
/** Settings that a person may give to `npm start` and that every replica needs as well. */
const PASSED_ON = /^(IMAP_|WORKER_|MAIL_|STORAGE_|S3_|SECRETS?_|SPOOL_DIR$|EGRESS_|DATABASE_|LOG_LEVEL$)/;

/** Every variable that one more replica of a service needs (DESIGN section 3); `PORT` 0 takes a free port. */
export function serviceEnvironment(
  stack: Stack,
  urls: { readonly database: string; readonly redis: string },
): Readonly<Record<string, string>> {
  const given = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)) as [string, string][];
  const egress = process.env['EGRESS_ALLOW_CIDRS'] ?? '';
  return {
    STORAGE_URL: pathToFileURL(stack.folder.storage).href,
    SPOOL_DIR: join(stack.folder.path, 'spool'),
    HOST: '127.0.0.1',
    ...Object.fromEntries(given),
    DATABASE_URL: urls.database,
    REDIS_URL: urls.redis,
    SECRETS_MASTER_KEY: process.env['SECRETS_MASTER_KEY'] ?? stack.credentials.secretsMasterKey,
    EGRESS_ALLOW_CIDRS: [egress, LOOPBACK].filter((list) => list !== '').join(','),
    IMAP_PLAINTEXT_ALLOW_CIDRS: [process.env['IMAP_PLAINTEXT_ALLOW_CIDRS'] ?? '', LOOPBACK]
      .filter((list) => list !== '')
      .join(','),
    PORT: '0',
  };
}

/** Starts one service and waits until it says that it is ready. @throws Error with its last log lines. */
export async function startService(
  stack: Stack,
  kind: ServiceKind,
  env: Readonly<Record<string, string>>,
  onRestarted: () => void,
): Promise<Supervised<ServerProcess>> {
  const cwd = join(stack.root, kind.folder);
  const main = join(cwd, 'dist', 'main.js');
  if (!existsSync(main))
    throw new SetupError(`${kind.name} is not built: ${kind.folder}/dist/main.js is missing`, 1);
  const port = stack.ports[kind.key];
  await rotateLog(stack.folder.log(kind.name));
  const launch = async (): Promise<ServerProcess> => {
    const process = await stack.registry.spawn({
      name: kind.name,
      command: globalThis.process.execPath,
      args: [...kind.nodeOptions, main],
      cwd,
      env: { ...inherited(), ...env, PORT: String(port) },
      logFile: stack.folder.log(kind.name),
      stopTimeoutMs: 12_000,
    });
    await whenReady(process, () => isReady(port), 60_000);
    return process;
  };
  const supervised = await supervise({ name: kind.name, launch, say: stack.say, onRestarted });
  stack.services.push(supervised);
  return supervised;
}

/** The person's own environment, without what npm adds for its scripts. */
function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)) as [string, string][],
  );
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`, {
    signal: AbortSignal.timeout(3_000),
  });
  await response.arrayBuffer();
  return response.ok;
}
