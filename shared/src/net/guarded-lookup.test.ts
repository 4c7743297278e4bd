import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEgressGuard } from './egress-guard.ts';
import { guardedLookup } from './guarded-lookup.ts';

let connections = 0;
const server = createServer((_request, response) => response.end('here'));
server.on('connection', () => (connections += 1));
const port = (): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Asks for `http://collector.test`, which resolves to this server. */
async function ask(allowCidrs: readonly string[]): Promise<string> {
  const resolver = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
  const guard = createEgressGuard({ allowCidrs, allowPorts: [port()], resolver });
  const request = get({
    host: 'collector.test',
    port: port(),
    agent: false,
    lookup: guardedLookup(guard, port()),
  });
  const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>];
  let text = '';
  for await (const piece of response) text += piece.toString();
  return text;
}

it('leads where the guard lets it, and nowhere else', async () => {
  expect(await ask(['127.0.0.0/8'])).toBe('here');
  expect(connections).toBe(1);
  await expect(ask([])).rejects.toMatchObject({ fault: { code: 'EGRESS_FORBIDDEN' } });
  expect(connections).toBe(1);
});
