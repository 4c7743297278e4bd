import ipaddr from 'ipaddr.js';
import { classifyAddress, embeddedIpv4, type IpAddress, parseAddress } from './address-class.ts';

/** Networks that an operator opened (`EGRESS_ALLOW_CIDRS`). */
export interface AllowList {
  /**
   * True for an address inside one of the networks. One that carries an IPv4 address (NAT64 and the like) needs that
   * address to be global or listed as well: `64:ff9b::/96` does not open the metadata service behind the translator.
   */
  has(address: IpAddress): boolean;
}

export type AllowListResult =
  | { readonly kind: 'ok'; readonly allowList: AllowList }
  | { readonly kind: 'problem'; readonly text: string };

type Range = ReturnType<typeof ipaddr.parseCIDR>;

/**
 * @param cidrs e.g. `10.1.0.0/16`, `fd12::/32`, `192.168.1.5`
 * @param variable what the problem's text names
 */
export function parseAllowList(cidrs: readonly string[], variable = 'EGRESS_ALLOW_CIDRS'): AllowListResult {
  const ranges: Range[] = [];
  for (const cidr of cidrs) {
    const range = parseRange(cidr);
    if (range === null) {
      return {
        kind: 'problem',
        text: `${variable}: "${cidr}" is not a network like 10.1.0.0/16 or fd12::/32`,
      };
    }
    ranges.push(range);
  }
  return { kind: 'ok', allowList: allowListOf(ranges) };
}

function parseRange(text: string): Range | null {
  const single = parseAddress(text);
  if (single !== null) return [single, single.kind() === 'ipv4' ? 32 : 128];
  // The library reads the shortened "10/8" as 0.0.0.10/8, which is 0.0.0.0/8.
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) return ipaddr.IPv4.parseCIDR(text);
  return text.includes(':') && ipaddr.IPv6.isValidCIDR(text) ? ipaddr.IPv6.parseCIDR(text) : null;
}

function allowListOf(ranges: readonly Range[]): AllowList {
  const listed = (address: IpAddress): boolean =>
    ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  return {
    has(address) {
      if (address instanceof ipaddr.IPv6 && address.zoneId !== undefined) return false;
      if (!listed(address)) return false;
      const inner = embeddedIpv4(address);
      return inner === null || classifyAddress(inner) === 'global' || listed(inner);
    },
  };
}
