import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { checkDependency, createOpsServer, type DependencyCheck, type OpsServer } from './ops-server.ts';

const log = createLogger({ service: 't', level: 'silent' });
let server: OpsServer | null = null;

afterEach(async () => {
  await server?.stop();
  server = null;
});

async function serve(
  readiness: () => Promise<readonly DependencyCheck[]>,
  stuck: () => string | null = () => null,
): Promise<(path: string, method?: string) => Promise<{ status: number; text: string }>> {
  server = createOpsServer({
    port: 0,
    host: '127.0.0.1',
    readiness,
    stuck,
    metrics: createMetrics({ service: 't', version: '9' }),
    log,
  });
  await server.start();
  const base = `http://127.0.0.1:${server.port()}`;
  return async (path, method = 'GET') => {
    const response = await fetch(base + path, { method });
    return { status: response.status, text: await response.text() };
  };
}

const up = [{ name: 'database', ok: true }];
const down = [
  { name: 'database', ok: true },
  { name: 'redis', ok: false, detail: 'not reachable' },
];

describe('ops server', () => {
  it('is not alive when the process says that only a restart can help, whatever its dependencies do', async () => {
    let reason: string | null = null;
    const get = await serve(
      () => Promise.resolve(down),
      () => reason,
    );
    expect((await get('/health/live')).status).toBe(200);
    reason = 'no beat';
    expect(await get('/health/live')).toMatchObject({
      status: 503,
      text: expect.stringContaining('no beat') as string,
    });
  });

  it('is ready when every dependency is, and shows it in all three forms', async () => {
    const get = await serve(() => Promise.resolve(up));
    expect(JSON.parse((await get('/health/ready')).text)).toEqual({ status: 'ready', dependencies: up });
    expect(await get('/health')).toEqual({ status: 200, text: 'ok\n' });
    const metrics = (await get('/metrics')).text;
    expect(metrics).toContain('mailstream_dependency_up{dependency="database"} 1');
    expect(metrics).toContain('mailstream_build_info{service="t",version="9"} 1');
  });

  it('answers 503 and names the dependency that is down, but stays live', async () => {
    const get = await serve(() => Promise.resolve(down));
    const ready = await get('/health/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.text)).toEqual({ status: 'not ready', dependencies: down });
    expect((await get('/health')).status).toBe(503);
    expect((await get('/health/live')).status).toBe(200);
  });

  it('answers in bounded time when a check hangs or throws', async () => {
    const get = await serve(() =>
      checkDependency('redis', () => new Promise(() => undefined), 10).then((c) => [c]),
    );
    expect(JSON.parse((await get('/health/ready')).text)).toMatchObject({
      dependencies: [{ name: 'redis', ok: false, detail: 'no answer in 10 ms' }],
    });
    await server?.stop();
    const secret = 'postgres://u:canary@h/d';
    const failing = await serve(async () => [
      await checkDependency('database', () => Promise.reject(new Error(secret))),
    ]);
    const answer = await failing('/health/ready');
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('canary');
    await server?.stop();
    const broken = await serve(() => Promise.reject(new Error(secret)));
    expect((await broken('/health/ready')).status).toBe(503);
  });

  it('refuses other methods and paths', async () => {
    const get = await serve(() => Promise.resolve(up));
    expect((await get('/health/live', 'POST')).status).toBe(405);
    expect((await get('/secret')).status).toBe(404);
    expect((await get('/health/live?x=1')).status).toBe(200);
  });

  it('may be started and stopped again and again', async () => {
    const get = await serve(() => Promise.resolve(up));
    expect((await get('/health/live')).status).toBe(200);
    for (let round = 0; round < 20; round += 1) {
      await server?.stop();
      await server?.start();
    }
    await Promise.all([server?.stop(), server?.stop()]);
    await expect(get('/health/live')).rejects.toThrow('fetch failed');
  });

  it('rejects the start when the port is taken', async () => {
    await serve(() => Promise.resolve(up));
    const second = createOpsServer({
      port: server?.port() ?? 0,
      host: '127.0.0.1',
      readiness: () => Promise.resolve(up),
      metrics: createMetrics(),
      log,
    });
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
