import type { LookupFunction } from 'node:net';
import type { EgressGuard } from './egress-guard.ts';

/**
 * For libraries that make their own connections and take a `lookup`: each name is resolved and vetted when it is connected to. Not
 * called by Node for a host that is an address: that one has to be vetted beforehand.
 */
export function guardedLookup(guard: Pick<EgressGuard, 'resolve'>, port: number): LookupFunction {
  return (hostname, options, callback) => {
    void vetted(guard, hostname, port).then((found) => {
      if (found.kind === 'pinned') found.lookup(hostname, options, callback);
      // As dns.lookup does, never in somebody else's stack frame.
      else process.nextTick(callback, found.error, '', 4);
    });
  };
}

type Vetted =
  | { readonly kind: 'pinned'; readonly lookup: LookupFunction }
  | { readonly kind: 'refused'; readonly error: unknown };

async function vetted(guard: Pick<EgressGuard, 'resolve'>, hostname: string, port: number): Promise<Vetted> {
  try {
    return { kind: 'pinned', lookup: (await guard.resolve(hostname, port)).lookup };
  } catch (error) {
    return { kind: 'refused', error };
  }
}
