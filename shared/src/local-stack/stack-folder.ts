/** `.data/`: where everything of this clone's stack is. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface StackFolder {
  readonly path: string;
  readonly postgres: string;
  readonly redis: string;
  readonly mail: string;
  readonly storage: string;
  readonly credentials: string;
  readonly ports: string;
  readonly processes: string;
  /** What others read to find the running stack; there only while it runs. */
  readonly stackFile: string;
  log(name: string): string;
}

/** Logs are kept over restarts up to this size, with one older file beside. */
const LOG_MAX_BYTES = 20 * 1024 * 1024;

export async function openStackFolder(root: string): Promise<StackFolder> {
  const path = join(root, '.data');
  const logs = join(path, 'logs');
  const folder: StackFolder = {
    path,
    postgres: join(path, 'postgres'),
    redis: join(path, 'redis'),
    mail: join(path, 'mail'),
    storage: join(path, 'storage'),
    credentials: join(path, 'credentials.json'),
    ports: join(path, 'ports.json'),
    processes: join(path, 'processes.json'),
    stackFile: join(path, 'stack.json'),
    log: (name) => join(logs, `${name}.log`),
  };
  // Others may pass: as root, PostgreSQL and the mail server run as another user. What is secret inside is closed itself.
  await mkdir(path, { recursive: true, mode: 0o755 });
  for (const each of [logs, folder.storage]) await mkdir(each, { recursive: true, mode: 0o700 });
  await rm(folder.stackFile, { force: true });
  return folder;
}

export async function rotateLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_MAX_BYTES) await rename(file, `${file}.1`);
}
