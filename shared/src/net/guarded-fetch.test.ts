import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FaultError } from '../errors/fault-error.ts';
import { assertNoCanary, newPlainCanary } from '../testing/canary.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { createEgressGuard, type EgressGuard } from './egress-guard.ts';
import { HttpRefusedError } from './http-refused-error.ts';

const certificate = makeTestCertificate(['token.test']);
const stranger = makeTestCertificate(['token.test']);
const LOOPBACK = { address: '127.0.0.1', family: 4 };

let answer: RequestListener = (_request, response) => response.end();
const listener: RequestListener = (request, response) => {
  answer(request, response);
};
const https = createHttpsServer({ ...certificate }, listener);
const http = createHttpServer(listener);
let [httpsPort, httpPort, connections] = [0, 0, 0];

async function listen(server: Server): Promise<number> {
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  httpsPort = await listen(https as Server);
  httpPort = await listen(http);
});
afterEach(() => {
  for (const server of [https, http]) server.closeAllConnections();
});
afterAll(async () => {
  for (const server of [https, http]) {
    server.close();
    await once(server, 'close');
  }
});

const open: EgressGuard = createEgressGuard({
  allowCidrs: ['127.0.0.0/8'],
  resolver: () => Promise.resolve([LOOPBACK]),
  ca: certificate.cert,
});
const url = (path = '/token'): string => `https://token.test:${httpsPort}${path}`;

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'answered';
  } catch (error) {
    if (error instanceof HttpRefusedError) return error.reason;
    if (error instanceof FaultError) return error.fault.code;
    throw error;
  }
}

describe('guarded fetch', () => {
  it('posts over TLS to the pinned address, checked against the name, and reads status, headers and body', async () => {
    let seen = '';
    answer = (request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        seen = `${request.method} ${request.url} ${request.headers.host} ${Buffer.concat(chunks).toString()}`;
        response.writeHead(400, { 'content-type': 'application/json', 'retry-after': '7' });
        response.end('{"error":"x"}');
      })();
    };
    const response = await open.fetch(url(), { method: 'POST', body: 'a=1' });
    expect(seen).toBe(`POST /token token.test:${httpsPort} a=1`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([400, '7']);
    expect(await response.json()).toEqual({ error: 'x' });
  });

  it('refuses a certificate that is not trusted or is for another name', async () => {
    const untrusting = createEgressGuard({
      allowCidrs: ['127.0.0.0/8'],
      resolver: () => Promise.resolve([LOOPBACK]),
      ca: stranger.cert,
    });
    expect(await refusal(untrusting.fetch(url()))).toBe('network');
    expect(await refusal(open.fetch(`https://other.test:${httpsPort}/`))).toBe('network');
  });

  it('allows http only where an operator allowed the address', async () => {
    answer = (_request, response) => response.end('ok');
    expect(await (await open.fetch(`http://token.test:${httpPort}/`)).text()).toBe('ok');
    const before = connections;
    const closed = createEgressGuard({
      allowCidrs: [],
      allowPorts: [httpPort, 80],
      resolver: () => Promise.resolve([{ address: '93.184.216.34', family: 4 }]),
    });
    expect(await refusal(closed.fetch('http://token.test/'))).toBe('EGRESS_FORBIDDEN');
    expect(await refusal(closed.fetch('ftp://token.test/'))).toBe('EGRESS_FORBIDDEN');
    expect(await refusal(closed.fetch('no url'))).toBe('EGRESS_FORBIDDEN');
    expect(await refusal(closed.fetch('https://user:password@token.test/'))).toBe('EGRESS_FORBIDDEN');
    expect(await refusal(closed.fetch('https://token.test:8443/'))).toBe('EGRESS_FORBIDDEN');
    expect(connections).toBe(before);
  });

  it('opens no connection to an inner address, by literal, odd literal, name or rebinding', async () => {
    const before = connections;
    let asked = 0;
    const closed = createEgressGuard({
      allowCidrs: [],
      allowPorts: [httpsPort, httpPort],
      resolver: () => {
        asked += 1;
        return Promise.resolve([asked % 2 === 0 ? LOOPBACK : { address: '::1', family: 6 }]);
      },
    });
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:7f00:1]',
      'token.test',
      'a.b',
    ]) {
      for (const target of [`https://${host}:${httpsPort}/`, `http://${host}:${httpPort}/`]) {
        expect(await refusal(closed.fetch(target))).toBe('EGRESS_FORBIDDEN');
      }
    }
    expect(connections).toBe(before);
  });

  it('uses one answer of DNS for check and connection', async () => {
    answer = (_request, response) => response.end('ok');
    let asked = 0;
    const rebinding = createEgressGuard({
      allowCidrs: ['127.0.0.1/32'],
      ca: certificate.cert,
      resolver: () => {
        asked += 1;
        return Promise.resolve([asked === 1 ? LOOPBACK : { address: '127.0.0.2', family: 4 }]);
      },
    });
    expect(await (await rebinding.fetch(url())).text()).toBe('ok');
    expect(asked).toBe(1);
    expect(await refusal(rebinding.fetch(url()))).toBe('EGRESS_FORBIDDEN');
  });

  it('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    for (const status of [301, 302, 303, 307, 308]) {
      answer = (request, response) => {
        paths.push(request.url);
        response.writeHead(status, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
      };
      expect(await refusal(open.fetch(url(`/${status}`)))).toBe('redirect');
    }
    expect(paths).toEqual(['/301', '/302', '/303', '/307', '/308']);
  });

  it('cuts off a body of 10 GB at 64 KiB', async () => {
    let sent = 0;
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 10_000_000_000 });
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    };
    expect(await refusal(open.fetch(url()))).toBe('too_large');
    // What fits in the buffers of both sides, not the rest.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('decompresses, and cuts off what grows over the limit', async () => {
    const encoders = { gzip: gzipSync, br: brotliCompressSync } as const;
    for (const [encoding, encode] of Object.entries(encoders)) {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(encode(Buffer.from('{"a":1}')));
      };
      expect(await (await open.fetch(url())).json()).toEqual({ a: 1 });
      const bomb = encode(Buffer.alloc(50 * 1024 * 1024));
      expect(bomb.length).toBeLessThan(64 * 1024);
      answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb);
      };
      expect(await refusal(open.fetch(url()))).toBe('too_large');
    }
    for (const encoding of ['gzip, gzip', 'zstd', 'constructor', 'gzip']) {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end('not that');
      };
      expect(await refusal(open.fetch(url()))).toBe('encoding');
    }
  });

  it('gives up at the deadline, although a byte arrives now and then', async () => {
    let ticking: NodeJS.Timeout | undefined;
    answer = (_request, response) => {
      response.writeHead(200);
      ticking = setInterval(() => response.write('x'), 20);
    };
    expect(await refusal(open.fetch(url(), { deadlineMs: 300 }))).toBe('timeout');
    clearInterval(ticking);
  });

  it('gives up at the deadline when headers, or DNS, never come', async () => {
    answer = () => undefined;
    expect(await refusal(open.fetch(url(), { deadlineMs: 200 }))).toBe('timeout');
    const silent = createEgressGuard({ allowCidrs: [], resolver: () => new Promise(() => undefined) });
    expect(await refusal(silent.fetch('https://token.test/', { deadlineMs: 50 }))).toBe('timeout');
  });

  it('ends when the caller gives up, before or during the exchange', async () => {
    expect(await refusal(open.fetch(url(), { signal: AbortSignal.abort() }))).toBe('aborted');
    const caller = new AbortController();
    answer = () => {
      caller.abort();
    };
    expect(await refusal(open.fetch(url(), { signal: caller.signal }))).toBe('aborted');
  });

  it('leaves no connection open, and nothing of the request in an error', async () => {
    const canary = newPlainCanary('refresh token');
    const closed = once(https, 'connection').then(
      async ([socket]) => await once(socket as NodeJS.EventEmitter, 'close'),
    );
    answer = (request) => {
      request.socket.destroy();
    };
    const error: unknown = await open
      .fetch(url(`/?t=${canary.value}`), {
        method: 'POST',
        body: `t=${canary.value}`,
        headers: { a: canary.value },
      })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HttpRefusedError);
    assertNoCanary(error, [canary]);
    await closed;
  });
});
