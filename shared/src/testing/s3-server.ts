/**
 * A real S3-compatible server for tests: gofakes3, built once with `go` into the cache folder of node_modules.
 * Where there is no `go` the tests that need it are skipped by name.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const VERSION = 'v1.2.0';
const run = promisify(execFile);

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  /** A storage URL with credentials for this server. */
  storageUrl(prefix: string): string;
  stop(): Promise<void>;
}

export async function hasGo(): Promise<boolean> {
  return await run('go', ['version']).then(
    () => true,
    () => false,
  );
}

/** @param cacheFolder where the built program is kept, e.g. `node_modules/.cache/mailstream` */
export async function startS3Server(cacheFolder: string): Promise<S3Server> {
  const program = await build(join(cacheFolder, `gofakes3-${VERSION}`));
  const port = await freePort();
  const bucket = 'mailstream-test';
  const child = spawn(
    program,
    ['-backend', 'memory', '-host', `127.0.0.1:${port}`, '-initialbucket', bucket],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  await Promise.race([
    listening(child.stderr),
    exited.then(() => Promise.reject(new Error('gofakes3 ended at once'))),
  ]);
  // It logs every request: a full pipe would stop it.
  child.stderr.resume();
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    bucket,
    storageUrl: (prefix) =>
      `s3://test-key:test-secret@${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

async function build(folder: string): Promise<string> {
  const program = join(folder, 'gofakes3');
  const isBuilt = await access(program).then(
    () => true,
    () => false,
  );
  if (!isBuilt) {
    await mkdir(folder, { recursive: true });
    const target = `github.com/johannesboyne/gofakes3/cmd/gofakes3@${VERSION}`;
    await run('env', [`GOBIN=${folder}`, 'go', 'install', target]);
  }
  return program;
}

async function listening(output: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface({ input: output })) {
    if (line.includes('using port')) return;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
