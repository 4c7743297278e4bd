import { once } from 'node:events';
import { connect, createServer, type LookupFunction, type Server } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultError } from '../errors/fault-error.ts';
import { classifyAddress, parseAddress } from './address-class.ts';
import { createEgressGuard, type Resolver } from './egress-guard.ts';

const PUBLIC = { address: '93.184.216.34', family: 4 };

function resolving(...addresses: readonly string[]): Resolver {
  return () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
}

const nobody: Resolver = () => Promise.reject(new Error('the resolver was asked'));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    if (error instanceof FaultError) return error.fault.code;
    throw error;
  }
}

describe('egress guard', () => {
  const inside = [
    ['127.0.0.1', '0.0.0.0', '0', '127.1', '0177.0.0.1', '2130706433', '0x7f.1', '0x7f000001', '127.0.0.1.'],
    [
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '100.100.100.200',
      '192.0.0.1',
    ],
    ['198.18.0.1', '192.0.2.1', '240.0.0.1', '255.255.255.255', '::', '::1', '[::1]', '::ffff:127.0.0.1'],
    [
      '::ffff:a9fe:a9fe',
      '::7f00:1',
      '64:ff9b::a9fe:a9fe',
      '2002:7f00:1::',
      '2001:0::1',
      'fc00::1',
      'fe80::1%eth0',
    ],
    ['fec0::1', 'ff02::1', 'fd00:ec2::254', '2001:db8::', '[::ffff:7f00:1]', '0:0:0:0:0:ffff:7f00:0001'],
    ['①②⑦.⓪.⓪.①', '１２７.0.0.1', '127。0。0。1', '017700000001', '0x7f.0x0.0x0.0x1', '127.0.0.1:993'],
  ].flat();

  it.each(inside)('refuses the literal %s without asking DNS', async (literal) => {
    const guard = createEgressGuard({ allowCidrs: [], resolver: nobody });
    expect(await codeOf(guard.resolve(literal, 993))).toBe('EGRESS_FORBIDDEN');
  });

  it.each(inside.filter((text) => /^[0-9a-f.:]+$/i.test(text)))(
    'refuses a name that resolves to %s',
    async (answer) => {
      const guard = createEgressGuard({ allowCidrs: [], resolver: resolving(answer) });
      expect(await codeOf(guard.resolve('mail.example.com', 993))).toBe('EGRESS_FORBIDDEN');
    },
  );

  it('refuses what is no host', async () => {
    const guard = createEgressGuard({ allowCidrs: [], resolver: resolving(PUBLIC.address) });
    for (const host of [
      '',
      '.',
      'a..b',
      'a b',
      'a/b',
      'user@host',
      'a\u0000b',
      'a\r\nb',
      '[1.2.3.4]',
      'x'.repeat(254),
    ]) {
      expect([host, await codeOf(guard.resolve(host, 993))]).toEqual([host, 'EGRESS_FORBIDDEN']);
    }
  });

  it('asks once and pins the first answer, all of which are public', async () => {
    const asked: string[] = [];
    const guard = createEgressGuard({
      allowCidrs: [],
      resolver: (host) => {
        asked.push(host);
        return resolving('2606:4700::1', PUBLIC.address)(host);
      },
    });
    const target = await guard.resolve('Bücher.example.', 993);
    expect(target).toMatchObject({ address: '2606:4700::1', family: 6, allowedByOperator: false });
    expect(target.candidates).toEqual([{ address: '2606:4700::1', family: 6 }, PUBLIC]);
    expect(asked).toEqual(['xn--bcher-kva.example.']);
  });

  it('refuses a name with one bad answer among good ones, in any place', async () => {
    for (const bad of ['127.0.0.1', '10.0.0.1', '::1', '::ffff:10.0.0.1', 'not an address']) {
      for (const answers of [
        [bad, PUBLIC.address],
        [PUBLIC.address, bad],
        [PUBLIC.address, bad, '2606:4700::1'],
      ]) {
        const guard = createEgressGuard({ allowCidrs: [], resolver: resolving(...answers) });
        expect(await codeOf(guard.resolve('mail.example.com', 993))).toBe('EGRESS_FORBIDDEN');
      }
    }
  });

  it('calls a name without an answer, and one that DNS does not know, not found', async () => {
    const unknown: Resolver = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    for (const resolver of [resolving(), unknown]) {
      const guard = createEgressGuard({ allowCidrs: ['0.0.0.0/0'], resolver });
      await expect(guard.resolve('mail.example.com', 993)).rejects.toMatchObject({
        fault: { kind: 'transient', code: 'IMAP_DNS_NOT_FOUND' },
      });
    }
  });

  it('allows the networks of the operator at any port, and only those', async () => {
    const guard = createEgressGuard({ allowCidrs: ['10.1.0.0/16'], resolver: resolving('10.1.2.3') });
    expect(await guard.resolve('mail.internal', 31_143)).toMatchObject({
      address: '10.1.2.3',
      allowedByOperator: true,
    });
    expect(await codeOf(guard.resolve('10.2.0.1', 993))).toBe('EGRESS_FORBIDDEN');
    expect(await codeOf(guard.resolve('10.1.0.1.', 993))).toBe('EGRESS_FORBIDDEN');
  });

  it('allows public addresses at the IMAP ports and those the operator added', async () => {
    const guard = createEgressGuard({
      allowCidrs: [],
      allowPorts: [1993],
      resolver: resolving(PUBLIC.address),
    });
    for (const port of [143, 993, 1993])
      expect(await codeOf(guard.resolve('mail.example.com', port))).toBe('allowed');
    for (const port of [22, 25, 443, 6379, 0, 65_536]) {
      expect(await codeOf(guard.resolve('mail.example.com', port))).toBe('EGRESS_FORBIDDEN');
    }
  });

  it('tells a tenant nothing about the address it refused', async () => {
    const messages = new Set<string>();
    for (const answer of ['127.0.0.1', '10.0.0.1', '169.254.169.254', 'fd00::1']) {
      const guard = createEgressGuard({ allowCidrs: [], resolver: resolving(answer) });
      await guard
        .resolve('mail.example.com', 993)
        .catch((error: unknown) => messages.add((error as Error).message));
    }
    expect(messages.size).toBe(1);
  });

  it('pins nothing but public addresses, whatever a tenant types and DNS answers', async () => {
    const label = fc.constantFrom(
      '127',
      '0x7f',
      '0177',
      '1',
      'localhost',
      'a',
      '::1',
      '[::1]',
      '%eth0',
      'é',
      '①',
    );
    const host = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.webAuthority({ withIPv4: true, withIPv6: true }),
      fc.array(label, { maxLength: 4 }).map((labels) => labels.join('.')),
    );
    const answers = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant(PUBLIC.address)), { maxLength: 3 });
    let pinned = 0;
    await fc.assert(
      fc.asyncProperty(host, answers, async (text, addresses) => {
        const guard = createEgressGuard({ allowCidrs: [], resolver: resolving(...addresses) });
        const target = await guard.resolve(text, 993).catch((error: unknown) => {
          expect(error).toBeInstanceOf(FaultError);
          return null;
        });
        for (const { address } of target?.candidates ?? []) {
          pinned += 1;
          const parsed = parseAddress(address);
          expect(parsed && classifyAddress(parsed)).toBe('global');
        }
      }),
      { numRuns: 2_000 },
    );
    expect(pinned).toBeGreaterThan(100);
  });

  it('refuses a bad network at once', () => {
    expect(() => createEgressGuard({ allowCidrs: ['10/8'] })).toThrow(/EGRESS_ALLOW_CIDRS: "10\/8"/);
  });
});

describe('egress guard against rebinding', () => {
  let server: Server;
  let port = 0;
  let connections = 0;

  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { readonly port: number }).port;
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  it('never reaches loopback when a name turns from public to loopback, in 1,000 reconnects', async () => {
    let asked = 0;
    const guard = createEgressGuard({
      allowCidrs: [],
      allowPorts: [port],
      resolver: () => {
        asked += 1;
        return Promise.resolve([asked % 2 === 1 ? PUBLIC : { address: '127.0.0.1', family: 4 }]);
      },
    });
    const outcomes = { pinned: 0, refused: 0 };
    for (let i = 0; i < 1_000; i += 1) {
      try {
        const target = await guard.resolve('rebind.example', port);
        // What a connection would use, without sending packets to a stranger.
        const answers = await lookedUp(target.lookup, 'rebind.example');
        expect(answers).toEqual([PUBLIC]);
        outcomes.pinned += 1;
      } catch (error) {
        expect(error).toMatchObject({ fault: { code: 'EGRESS_FORBIDDEN' } });
        outcomes.refused += 1;
      }
    }
    expect(outcomes).toEqual({ pinned: 500, refused: 500 });
    expect(connections).toBe(0);
  });

  it('connects a socket to the pinned address whatever name it is given', async () => {
    const guard = createEgressGuard({ allowCidrs: ['127.0.0.1/32'], resolver: resolving('127.0.0.1') });
    const target = await guard.resolve('mail.test', port);
    const socket = connect({ host: 'another.name.invalid', port, lookup: target.lookup });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    expect(connections).toBe(1);
    expect(socket.remoteFamily ?? 'IPv4').toBe('IPv4');
  });
});

function lookedUp(lookup: LookupFunction, host: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, answers) => {
      if (error === null) resolve(answers);
      else reject(error);
    });
  });
}
