import ipaddr from 'ipaddr.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressClass, classifyAddress, embeddedIpv4, parseAddress } from './address-class.ts';

function classOf(text: string): AddressClass | 'not an address' {
  const address = parseAddress(text);
  return address === null ? 'not an address' : classifyAddress(address);
}

const TABLE: readonly (readonly [AddressClass, readonly string[]])[] = [
  ['global', ['8.8.8.8', '93.184.216.34', '172.15.255.255', '172.32.0.0', '100.63.255.255', '100.128.0.0']],
  [
    'global',
    ['126.255.255.255', '128.0.0.0', '192.0.1.0', '198.17.255.255', '198.20.0.0', '223.255.255.255'],
  ],
  ['global', ['2606:4700:4700::1111', '2a00:1450:4001::5', '2001:200::1', '2001:4860:4860::8888', '2003::1']],
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
  [
    'private',
    ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd00:ec2::254', 'fec0::1'],
  ],
  ['linkLocal', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', '2606:4700::1%eth0']],
  ['carrierGradeNat', ['100.64.0.1', '100.100.100.200', '100.127.255.255']],
  ['multicast', ['224.0.0.1', '239.255.255.250', 'ff02::1', 'ff0e::1']],
  ['broadcast', ['255.255.255.255']],
  ['reserved', ['192.0.0.1', '192.0.0.170', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.1']],
  ['reserved', ['203.0.113.1', '240.0.0.1', '192.88.99.1', '192.31.196.1', '192.52.193.1', '192.175.48.1']],
  [
    'reserved',
    ['2001:db8::1', '2001:2::1', '2001:10::1', '2001:20::1', '3fff::1', '100::1', '5f00::1', '4000::1'],
  ],
  ['transition', ['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:8.8.8.8', '::7f00:1', '::8.8.8.8']],
  ['transition', ['::ffff:0:7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::8.8.8.8', '64:ff9b:1::7f00:1']],
  ['transition', ['2002:7f00:1::', '2002:0808:0808::1', '2001:0::1', '2001::4136:e378:8000:63bf:3fff:fdd2']],
  ['transition', ['2606:4700::5efe:7f00:1', '2606:4700::200:5efe:10.0.0.1']],
];

describe('classifyAddress', () => {
  it.each(TABLE)('calls %s what is %s', (kind, texts) => {
    for (const text of texts) expect([text, classOf(text)]).toEqual([text, kind]);
  });

  it('calls no IPv6 address outside 2000::/3 global', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const address = ipaddr.fromByteArray([...bytes]);
        const isUnicast = ((bytes[0] ?? 0) & 0xe0) === 0x20;
        if (!isUnicast) expect(classifyAddress(address)).not.toBe('global');
      }),
    );
  });

  it('calls no form that carries an IPv4 address global, and finds that address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const inner = ipaddr.IPv4.parse(text);
        const [a = 0, b = 0, c = 0, d = 0] = inner.octets;
        const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
        const forms = [
          `::ffff:${text}`,
          `::ffff:0:${text}`,
          `64:ff9b::${text}`,
          `2002:${hex(a, b)}:${hex(c, d)}::1`,
          `2001:0:1::${hex(a ^ 0xff, b ^ 0xff)}:${hex(c ^ 0xff, d ^ 0xff)}`,
          `2606:4700::5efe:${text}`,
        ];
        for (const form of forms) {
          const address = ipaddr.parse(form);
          expect([form, classifyAddress(address)]).toEqual([form, 'transition']);
          expect(embeddedIpv4(address)?.toString()).toBe(text);
        }
      }),
    );
  });
});

describe('parseAddress', () => {
  it('reads the usual spelling and no other', () => {
    for (const odd of [
      '127.1',
      '0177.0.0.1',
      '2130706433',
      '0x7f.1',
      '0x7f000001',
      '0',
      '127.0.0.1.',
      '01.2.3.4',
    ]) {
      expect([odd, parseAddress(odd)]).toEqual([odd, null]);
    }
    expect(parseAddress('mail.example.com')).toBeNull();
    expect(parseAddress('1.2.3.4')?.toString()).toBe('1.2.3.4');
  });
});
