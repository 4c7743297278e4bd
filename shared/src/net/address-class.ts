/**
 * Says what an IP address is for, from its bytes: text has too many spellings to be compared.
 *
 * Only `global` may be connected to without an operator's word. IPv6 is a list of what is allowed (2000::/3, RFC 4291
 * section 2.4, minus special blocks), so that a form nobody thought of is refused. Forms that carry an IPv4 address
 * (mapped, compatible, translated, 6to4, Teredo, NAT64, ISATAP) are never global, whatever they carry: a router on the
 * way would unpack them to an address that was not checked. Ranges: IANA special-purpose address registries.
 */
import ipaddr from 'ipaddr.js';

export type AddressClass =
  | 'global'
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'linkLocal'
  | 'carrierGradeNat'
  | 'multicast'
  | 'broadcast'
  | 'reserved'
  /** Carries an IPv4 address: see `embeddedIpv4`. */
  | 'transition';

export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

type Block = readonly [cidr: string, kind: AddressClass];

/** First match decides. What matches none is global. */
const IPV4_BLOCKS: readonly Block[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['10.0.0.0/8', 'private'],
  ['172.16.0.0/12', 'private'],
  ['192.168.0.0/16', 'private'],
  ['169.254.0.0/16', 'linkLocal'],
  ['100.64.0.0/10', 'carrierGradeNat'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'],
  ['192.31.196.0/24', 'reserved'],
  ['192.52.193.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.175.48.0/24', 'reserved'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['240.0.0.0/4', 'reserved'],
];

/** First match decides. What matches none is reserved. */
const IPV6_BLOCKS: readonly Block[] = [
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::/96', 'transition'],
  ['::ffff:0:0/96', 'transition'],
  ['::ffff:0:0:0/96', 'transition'],
  ['64:ff9b::/96', 'transition'],
  ['64:ff9b:1::/48', 'transition'],
  ['2001::/32', 'transition'],
  ['2002::/16', 'transition'],
  ['fc00::/7', 'private'],
  ['fec0::/10', 'private'],
  ['fe80::/10', 'linkLocal'],
  ['ff00::/8', 'multicast'],
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'reserved'],
  ['2620:4f:8000::/48', 'reserved'],
  ['3ffe::/16', 'reserved'],
  ['3fff::/20', 'reserved'],
  ['2000::/3', 'global'],
];

const IPV4_TABLE = IPV4_BLOCKS.map(([cidr, kind]) => ({ range: ipaddr.IPv4.parseCIDR(cidr), kind }));
const IPV6_TABLE = IPV6_BLOCKS.map(([cidr, kind]) => ({ range: ipaddr.IPv6.parseCIDR(cidr), kind }));

export function classifyAddress(address: IpAddress): AddressClass {
  if (address instanceof ipaddr.IPv4) {
    const kind = IPV4_TABLE.find((row) => address.match(row.range))?.kind ?? 'global';
    return secondOpinion(address, kind);
  }
  // A zone belongs to link-local and other scoped addresses (RFC 4007 section 11); a global one has none.
  if (address.zoneId !== undefined) return 'linkLocal';
  const kind = IPV6_TABLE.find((row) => address.match(row.range))?.kind ?? 'reserved';
  if (kind === 'global' && isIsatap(address)) return 'transition';
  return secondOpinion(address, kind);
}

/** The library keeps a table of its own: what either calls special is special. */
function secondOpinion(address: IpAddress, kind: AddressClass): AddressClass {
  return kind === 'global' && address.range() !== 'unicast' ? 'reserved' : kind;
}

/** The IPv4 address inside an address of class `transition`, or null where there is none or it is not known where. */
export function embeddedIpv4(address: IpAddress): ipaddr.IPv4 | null {
  if (address instanceof ipaddr.IPv4) return null;
  const bytes = address.toByteArray();
  const [first, second] = address.parts;
  if (first === 0x2002) return ipv4(bytes.slice(2, 6));
  // Teredo hides the client's address by inverting its bits (RFC 4380 section 4).
  if (first === 0x2001 && second === 0) return ipv4(bytes.slice(12).map((byte) => byte ^ 0xff));
  // The place in a local NAT64 prefix depends on its length, which only its operator knows (RFC 8215).
  if (first === 0x64 && second === 0xff9b && address.parts[2] !== 0) return null;
  if (classifyAddress(address) !== 'transition') return null;
  return ipv4(bytes.slice(12));
}

/** `::0:5efe:a.b.c.d` or `::200:5efe:a.b.c.d` as the lower half (RFC 5214 section 6.1). */
function isIsatap(address: ipaddr.IPv6): boolean {
  const [, , , , fifth = 0, sixth] = address.parts;
  return sixth === 0x5efe && (fifth & 0xfdff) === 0;
}

function ipv4(bytes: number[]): ipaddr.IPv4 {
  return new ipaddr.IPv4(bytes);
}

/** Reads the text of an address as the operating system or a resolver writes it; null for anything else, odd forms too. */
export function parseAddress(text: string): IpAddress | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return text.includes(':') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}
