/** What domains publish, over real HTTPS on loopback and through the egress guard; DNS is a table, so no internet is needed. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEgressGuard } from '@mailstream/shared/net/egress-guard';
import { makeTestCertificate } from '@mailstream/shared/testing/test-certificate';
import { createMailDirectory } from '../src/adapters/mail-directory.ts';

const XML = `<clientConfig version="1.1"><emailProvider id="x"><incomingServer type="imap">
  <hostname>imap.found.test</hostname><port>993</port><socketType>SSL</socketType></incomingServer></emailProvider></clientConfig>`;

const certificate = makeTestCertificate(['*.found.test', 'found.test', 'autoconfig.found.test']);
const asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let port = 0;
const signal = new AbortController().signal;

beforeAll(async () => {
  server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    asked.push(`${request.headers.host?.split(':')[0] ?? ''}${request.url ?? ''}`);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** @param addresses what every host name resolves to */
function directory(addresses: readonly string[], allowCidrs: readonly string[], deadlineMs = 5_000) {
  asked.length = 0;
  const guard = createEgressGuard({
    allowCidrs,
    allowPorts: [port],
    resolver: () => Promise.resolve(addresses.map((address) => ({ address, family: 4 }))),
    ca: certificate.cert,
  });
  return createMailDirectory({
    // The port that the test could get, in place of 443.
    fetch: (url, init) => {
      const own = new URL(url);
      own.port = String(port);
      return guard.fetch(own, init);
    },
    deadlineMs,
    resolver: {
      resolveMx: (domain) =>
        domain === 'found.test'
          ? Promise.resolve([
              { exchange: 'second.found.test', priority: 20 },
              { exchange: 'first.found.test', priority: 10 },
            ])
          : Promise.reject(new Error('ENOTFOUND')),
      resolveSrv: (name) => {
        if (name === '_imaps._tcp.found.test')
          return Promise.resolve([
            { name: 'light.found.test', port: 993, priority: 1, weight: 1 },
            { name: 'heavy.found.test', port: 993, priority: 1, weight: 9 },
          ]);
        if (name === '_imap._tcp.found.test')
          return Promise.resolve([{ name: '.', port: 0, priority: 0, weight: 0 }]);
        return new Promise(() => undefined);
      },
    },
  });
}

const file = (text: string) => (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/xml' }).end(text);
};

describe('the autoconfig file of a domain', () => {
  it('is looked for at both places, over HTTPS, with the address', async () => {
    answer = file(XML);
    const found = await directory(['127.0.0.1'], ['127.0.0.0/8']).autoconfig(
      'found.test',
      'a+b@found.test',
      signal,
    );
    expect(found.map(({ host }) => host)).toEqual(['imap.found.test', 'imap.found.test']);
    expect([...asked].sort()).toEqual([
      'autoconfig.found.test/mail/config-v1.1.xml?emailaddress=a%2Bb%40found.test',
      'found.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=a%2Bb%40found.test',
    ]);
  });

  it.each([['127.0.0.1'], ['10.0.0.1'], ['169.254.169.254'], ['::ffff:127.0.0.1'], ['fd00::1']])(
    'is not asked for at %s, unless an operator allows it',
    async (address) => {
      answer = file(XML);
      expect(await directory([address], []).autoconfig('found.test', 'a@found.test', signal)).toEqual([]);
      // One private answer among public ones is enough.
      expect(
        await directory(['93.184.216.34', address], []).autoconfig('found.test', 'a@found.test', signal),
      ).toEqual([]);
      expect(asked).toEqual([]);
    },
  );

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    [
      'redirects',
      (_request, response) =>
        void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    ],
    ['is missing', (_request, response) => void response.writeHead(404).end(XML)],
    ['is endless', (_request, response) => void response.writeHead(200).end(XML + ' '.repeat(100_000))],
    ['never comes', () => undefined],
    ['breaks off', (_request, response) => void response.destroy()],
  ])('counts as none when it %s', async (_how, how) => {
    answer = how;
    const found = await directory(['127.0.0.1'], ['127.0.0.0/8'], 300).autoconfig(
      'found.test',
      'a@found.test',
      signal,
    );
    expect(found).toEqual([]);
  });
});

describe('the DNS of a domain', () => {
  it('names exchangers and services in their order, and none for "."', async () => {
    const { mailExchangers, imapServices } = directory([], []);
    expect(await mailExchangers('found.test')).toEqual(['first.found.test', 'second.found.test']);
    expect((await imapServices('found.test')).map(({ host, security }) => [host, security])).toEqual([
      ['heavy.found.test', 'tls'],
      ['light.found.test', 'tls'],
    ]);
  });

  it('that does not answer, or not in time, says nothing', async () => {
    const { mailExchangers, imapServices } = directory([], [], 50);
    expect(await mailExchangers('silent.test')).toEqual([]);
    expect(await imapServices('silent.test')).toEqual([]);
  });
});
