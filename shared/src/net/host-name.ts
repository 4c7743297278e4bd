import { domainToASCII } from 'node:url';
import { type IpAddress, parseAddress } from './address-class.ts';

export type ParsedHost =
  | { readonly kind: 'address'; readonly address: IpAddress }
  /** ASCII, lower case. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'refused'; readonly why: string };

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** `domainToASCII` reads as a URL does: it would end the host at a slash and forgive spaces. */
// oxlint-disable-next-line no-control-regex
const FOREIGN = /[\u0000-\u0020\u007f/\\@?#%:<>^|"`{}[\]]/;
/** As the URL standard tells addresses from names: the last label is a number, decimal, octal or hexadecimal. */
const NUMBER = /^([0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads a host as typed. An address is accepted in its one usual spelling only: `127.1`, `0177.0.0.1`, `2130706433`,
 * `0x7f.1` and `127.0.0.1.` mean different things to different resolvers, and nobody's mail server is written so.
 */
export function parseHost(text: string): ParsedHost {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  const address = parseAddress(bracketed ?? text);
  if (address !== null && (bracketed === undefined || address.kind() === 'ipv6'))
    return { kind: 'address', address };
  if (FOREIGN.test(text)) return refused();
  // Unicode digits and dots become ASCII ones here, so the number check below sees what a resolver would see.
  const name = domainToASCII(text).toLowerCase();
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.');
  if (NUMBER.test(labels.at(-1) ?? ''))
    return { kind: 'refused', why: 'write the address in its usual form' };
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return refused();
  return { kind: 'name', name };
}

function refused(): ParsedHost {
  return { kind: 'refused', why: 'this is not a host name or an address' };
}
