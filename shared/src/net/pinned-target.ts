import type { LookupFunction } from 'node:net';

export interface PinnedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface PinnedTarget extends PinnedAddress {
  /** All vetted answers in the resolver's order; the first one is `address`. */
  readonly candidates: readonly PinnedAddress[];
  /** True when an operator allowed every one of them: any port, and clear text where the caller permits it. */
  readonly allowedByOperator: boolean;
  /**
   * For `net.connect`, `tls.connect` and undici: answers with `candidates` whatever is asked. Not called by them for a
   * host that is an address; that is then the one that was checked here.
   */
  readonly lookup: LookupFunction;
}

export function pinTarget(
  first: PinnedAddress,
  rest: readonly PinnedAddress[],
  allowedByOperator: boolean,
): PinnedTarget {
  const candidates = [first, ...rest];
  return { ...first, candidates, allowedByOperator, lookup: pinnedLookup(candidates) };
}

/** A lookup that knows one answer: the addresses that were vetted. `net` asks for `all` since Node 20 (RFC 8305). */
function pinnedLookup(addresses: readonly PinnedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const wanted = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
    const fitting = addresses.filter((address) => wanted === 0 || address.family === wanted);
    const [first] = fitting;
    // As dns.lookup does, never in the caller's own stack frame.
    process.nextTick(() => {
      if (first === undefined) callback(noAddress(), '', 4);
      else if (options.all === true)
        callback(
          null,
          fitting.map((address) => ({ ...address })),
        );
      else callback(null, first.address, first.family);
    });
  };
}

function noAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error('no vetted address of this family'), { code: 'ENOTFOUND' });
}
