/**
 * The port that orchestrators and Prometheus look at.
 *
 * - `/health/live`  200 as long as the event loop turns and the process's own work comes round (`stuck`). Knows nothing of
 *   dependencies: a restart does not repair them.
 * - `/health/ready` 200 or 503 with one line per dependency. All checks together get `CHECK_DEADLINE_MS`.
 * - `/health`       the same verdict as text, for old probes.
 * - `/metrics`      Prometheus text.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService, type Service } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export interface DependencyCheck {
  readonly name: string;
  readonly ok: boolean;
  /** One sentence without secrets: anyone who reaches the port can read it. */
  readonly detail?: string;
}

export interface OpsServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** All interfaces unless given. */
  readonly host?: string;
  /** Why only a restart can help this process, in a few words; null while it works. Must not look at any dependency. */
  readonly stuck?: () => string | null;
  readonly readiness: () => Promise<readonly DependencyCheck[]>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export type OpsServer = Service & {
  /** The port it listens on. @throws Error before it was started. */
  port(): number;
};

/** Below the usual timeout of a Kubernetes probe set to three seconds. */
const CHECK_DEADLINE_MS = 2500;

export function createOpsServer(options: OpsServerOptions): OpsServer {
  let server: Server | null = null;
  const service = createService('ops server', {
    start: async () => {
      server = await listen(options);
      options.log.info('health and metrics are served', { port: (server.address() as AddressInfo).port });
    },
    stop: async () => {
      const closing = server;
      server = null;
      if (closing === null) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
  });
  return {
    ...service,
    port: () => {
      if (server === null) throw new Error('the ops server is not started');
      return (server.address() as AddressInfo).port;
    },
  };
}

function listen(options: OpsServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.log.error('ops request failed', { error });
      if (!response.headersSent) send(response, 500, 'text/plain', 'error\n');
      else response.destroy();
    });
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        options.log.error('another process has this port: stop it, or set PORT', { port: options.port });
      reject(error);
    });
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => options.log.error('ops server error', { error }));
      resolve(server);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { readiness, stuck, metrics }: OpsServerOptions,
): Promise<void> {
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'text/plain', 'method not allowed\n');
  }
  switch (request.url?.split('?')[0]) {
    case '/health/live': {
      const reason = stuck?.() ?? null;
      if (reason === null) return sendJson(response, 200, { status: 'live' });
      return sendJson(response, 503, { status: 'stuck', detail: reason });
    }
    case '/health/ready': {
      const verdict = await check(readiness, metrics);
      return sendJson(response, verdict.ready ? 200 : 503, {
        status: verdict.ready ? 'ready' : 'not ready',
        dependencies: verdict.dependencies,
      });
    }
    case '/health': {
      const { ready } = await check(readiness, metrics);
      return send(response, ready ? 200 : 503, 'text/plain', ready ? 'ok\n' : 'unavailable\n');
    }
    case '/metrics': {
      const { contentType, text } = await metrics.scrape();
      return send(response, 200, contentType, text);
    }
    default:
      return send(response, 404, 'text/plain', 'not found\n');
  }
}

async function check(
  readiness: OpsServerOptions['readiness'],
  metrics: Metrics,
): Promise<{ readonly ready: boolean; readonly dependencies: readonly DependencyCheck[] }> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<readonly DependencyCheck[]>((resolve) => {
    timer = setTimeout(
      () => resolve([{ name: 'readiness', ok: false, detail: `no answer in ${CHECK_DEADLINE_MS} ms` }]),
      CHECK_DEADLINE_MS,
    );
  });
  const failed = (): readonly DependencyCheck[] => [
    { name: 'readiness', ok: false, detail: 'the check failed' },
  ];
  const dependencies = await Promise.race([readiness().catch(failed), deadline]);
  clearTimeout(timer);
  for (const { name, ok } of dependencies) metrics.dependencyUp.set({ dependency: name }, ok ? 1 : 0);
  return { ready: dependencies.every(({ ok }) => ok), dependencies };
}

/**
 * One dependency for `readiness`: `probe` resolves when it works. Slower than `deadlineMs` counts as down, so that one hanging
 * dependency does not hide the state of the others.
 */
export async function checkDependency(
  name: string,
  probe: () => Promise<unknown>,
  deadlineMs = 2000,
): Promise<DependencyCheck> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<DependencyCheck>((resolve) => {
    timer = setTimeout(
      () => resolve({ name, ok: false, detail: `no answer in ${deadlineMs} ms` }),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([probe().then(() => ({ name, ok: true })), late]);
  } catch {
    // The reason is in the log of whoever uses the dependency; this port is open to probes without a login.
    return { name, ok: false, detail: 'not reachable' };
  } finally {
    clearTimeout(timer);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    'content-type': contentType.includes('charset') ? contentType : `${contentType}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
