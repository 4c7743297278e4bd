/** A process may be told to stop at any moment of its start: it ends with 0 and leaves nothing, whatever it was about to do. */
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { useWorld } from './daemon.ts';

const world = await useWorld();

const mains = {
  'email-service': fileURLToPath(new URL('../dist/main.js', import.meta.url)),
  'workflow-worker': fileURLToPath(new URL('../../workflow-worker/dist/main.js', import.meta.url)),
};

interface Starting {
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** With the first line of the log that contains it. */
  logs(text: string): Promise<void>;
}

/** Loaded before the program: says when it has a handler of its own (Node has one that only ends the process). */
const WATCH_HANDLERS = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  process.on('newListener', (name) => name === 'SIGTERM' && queueMicrotask(() => writeSync(1, 'handles SIGTERM\\n')));
`)}`;

function start(main: string, env: Readonly<Record<string, string>>): Starting {
  const child = spawn(process.execPath, ['--import', WATCH_HANDLERS, main], {
    env: { PATH: process.env['PATH'] ?? '', ...world.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  child.stdout.on('data', (piece: Buffer) => (log += piece.toString()));
  return {
    pid: child.pid ?? -1,
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
    logs: async (text) => {
      await expect.poll(() => log, { interval: 1, timeout: 20_000 }).toContain(text);
    },
  };
}

const moments = {
  'it can hear it': (process) => process.logs('handles SIGTERM'),
  'its port is open': (process) => process.logs('health and metrics are served'),
  'it has started': (process) => process.logs('"message":"started"'),
} satisfies Record<string, (process: Starting) => Promise<void>>;

describe.each(Object.entries(mains))('%s', (_name, main) => {
  it.each(Object.entries(moments))('ends with 0 when SIGTERM comes as soon as %s', async (_, moment) => {
    const started = start(main, {});
    await moment(started);
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toEqual({ code: 0, signal: null });
  });

  it('ends with 0 while it waits for stores that are away', async () => {
    const port = await freePort();
    const started = start(main, {
      DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d`,
      REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    await started.logs('"message":"started"');
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toEqual({ code: 0, signal: null });
  });
});

it('and leaves no spool folder behind once it had begun', async () => {
  expect(await readdir(join(world.storageDir, 'spool')).catch(() => [])).toEqual([]);
});
