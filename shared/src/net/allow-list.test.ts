import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { parseAllowList } from './allow-list.ts';

function allows(cidrs: readonly string[], address: string): boolean {
  const result = parseAllowList(cidrs);
  if (result.kind === 'problem') throw new Error(result.text);
  return result.allowList.has(ipaddr.parse(address));
}

describe('allow-list', () => {
  it('allows nothing by default', () => {
    expect(allows([], '10.0.0.1')).toBe(false);
  });

  it('allows a network of either family, and a single address', () => {
    const cidrs = ['10.1.0.0/16', 'fd12::/32', '192.168.1.5'];
    for (const inside of ['10.1.255.255', 'fd12::1', '192.168.1.5']) expect(allows(cidrs, inside)).toBe(true);
    for (const outside of ['10.2.0.0', 'fd13::1', '192.168.1.6', '::ffff:10.1.0.1', '127.0.0.1']) {
      expect(allows(cidrs, outside)).toBe(false);
    }
  });

  it('allows what a translator unpacks only where that is public or allowed as well', () => {
    const nat64 = ['64:ff9b::/96'];
    expect(allows(nat64, '64:ff9b::8.8.8.8')).toBe(true);
    expect(allows(nat64, '64:ff9b::169.254.169.254')).toBe(false);
    expect(allows([...nat64, '10.0.0.0/8'], '64:ff9b::10.0.0.1')).toBe(true);
    expect(allows(['2000::/3'], '2002:7f00:1::')).toBe(false);
    expect(allows(['::/0'], '::ffff:127.0.0.1')).toBe(false);
  });

  it('allows no address with a zone', () => {
    expect(allows(['fe80::/10'], 'fe80::1%eth0')).toBe(false);
  });

  it('refuses what is not a network, shortened ones too', () => {
    for (const bad of [
      '10/8',
      '10.0.0/8',
      '10.0.0.0/33',
      '0x0a.0.0.0/8',
      'localhost',
      '',
      'fd12::/129',
      '10.0.0.0/ 8',
    ]) {
      expect(parseAllowList(['127.0.0.1', bad])).toMatchObject({ kind: 'problem' });
    }
    expect(parseAllowList(['10/8'], 'OTHER')).toMatchObject({
      text: expect.stringMatching(/^OTHER: "10\/8"/),
    });
  });
});
