/**
 * The only way out: no process connects to a host that a tenant may have chosen without asking here first.
 *
 *   host ──► literal? ──no──► resolve once ──► every answer global, or allowed by the operator? ──► pinned addresses
 *             │ odd spelling: refused              │ any other, or none: refused
 *
 * What must always hold: check and connect use the same answer. So connect to `address` (with `servername` = the name), or
 * pass `lookup` to net, tls or undici; never give the name to something that resolves it again. Ask anew at every
 * reconnect: names move.
 */
import { promises as dns } from 'node:dns';
import { FaultError } from '../errors/fault-error.ts';
import { classifyAddress, type IpAddress, parseAddress } from './address-class.ts';
import { parseAllowList } from './allow-list.ts';
import { type GuardedFetch, createGuardedFetch } from './guarded-fetch.ts';
import { parseHost } from './host-name.ts';
import { type PinnedAddress, type PinnedTarget, pinTarget } from './pinned-target.ts';

/** IMAP in clear or STARTTLS, and IMAP over TLS (RFC 8314 section 3.2). */
const IMAP_PORTS: readonly number[] = [143, 993];
/** getaddrinfo can hang for half a minute when a tenant's name servers are silent. */
const RESOLVE_DEADLINE_MS = 5_000;

export type Resolver = (
  host: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

export interface EgressGuard {
  /**
   * Resolves and vets. Touches the network (DNS); at most 5 s.
   * @param port checked against `ports` and the operator's list; not for an address that the operator allowed
   * @param ports 143 and 993 unless given
   * @throws FaultError `EGRESS_FORBIDDEN` (misconfigured) or `IMAP_DNS_NOT_FOUND` (transient)
   */
  resolve(host: string, port?: number, ports?: readonly number[]): Promise<PinnedTarget>;
  /** HTTPS to a vetted address: see `guarded-fetch.ts`. */
  readonly fetch: GuardedFetch;
}

export interface EgressGuardOptions {
  /** `EGRESS_ALLOW_CIDRS`. A bad one throws TypeError: check with `parseAllowList` in config first. */
  readonly allowCidrs: readonly string[];
  /** `EGRESS_ALLOW_PORTS`: ports besides 143 and 993 (and 443 for `fetch`) at any public address. */
  readonly allowPorts?: readonly number[];
  readonly resolver?: Resolver;
  /** Certificates that `fetch` trusts instead of the built-in ones, PEM. */
  readonly ca?: string;
}

export function createEgressGuard(options: EgressGuardOptions): EgressGuard {
  const parsed = parseAllowList(options.allowCidrs);
  if (parsed.kind === 'problem') throw new TypeError(parsed.text);
  const { allowList } = parsed;
  const resolver = options.resolver ?? resolveWithSystem;
  const extraPorts = options.allowPorts ?? [];

  async function vet(host: string, port: number | null, ports: readonly number[]): Promise<PinnedTarget> {
    const addresses = await addressesOf(host, resolver);
    const listed = addresses.map((address) => allowList.has(address));
    const isForbidden = addresses.some(
      (address, i) => listed[i] !== true && classifyAddress(address) !== 'global',
    );
    // One bad answer condemns all: a name that points inside is not made harmless by pointing outside as well.
    if (isForbidden) throw forbidden('the address is not a public one');
    const allowedByOperator = listed.every(Boolean);
    if (port !== null && !allowedByOperator && !ports.includes(port) && !extraPorts.includes(port)) {
      throw forbidden(`port ${port} is not one of ${[...ports, ...extraPorts].join(', ')}`);
    }
    return pinned(addresses, allowedByOperator);
  }

  return {
    resolve: (host, port, ports = IMAP_PORTS) => vet(host, port ?? null, ports),
    fetch: createGuardedFetch({
      resolve: vet,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    }),
  };
}

async function addressesOf(host: string, resolver: Resolver): Promise<readonly IpAddress[]> {
  const parsed = parseHost(host);
  if (parsed.kind === 'refused') throw forbidden(parsed.why);
  if (parsed.kind === 'address') return [parsed.address];
  const answers = await withDeadline(resolver(parsed.name)).catch((error: unknown) => {
    throw notFound(error);
  });
  const addresses = answers.map((answer) => parseAddress(answer.address));
  if (addresses.length === 0) throw notFound(undefined);
  return addresses.map((address) => {
    if (address === null) throw forbidden('the name resolves to something that is not an address');
    return address;
  });
}

function pinned(addresses: readonly IpAddress[], allowedByOperator: boolean): PinnedTarget {
  const [first, ...rest] = addresses.map((address): PinnedAddress => {
    return { address: address.toString(), family: address.kind() === 'ipv4' ? 4 : 6 };
  });
  if (first === undefined) throw notFound(undefined);
  return pinTarget(first, rest, allowedByOperator);
}

async function resolveWithSystem(host: string): ReturnType<Resolver> {
  return await dns.lookup(host, { all: true, verbatim: true });
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error('no answer in time'));
    }, RESOLVE_DEADLINE_MS);
    // Left behind for at most this long when the caller gives up earlier.
    timer.unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The detail does not tell which address it was: a tenant must not map our network by asking. */
function forbidden(why: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'EGRESS_FORBIDDEN', detail: why });
}

function notFound(cause: unknown): FaultError {
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  const reason = typeof code === 'string' ? ` (${code})` : '';
  const detail = `the server name could not be resolved${reason}`;
  return new FaultError({ kind: 'transient', code: 'IMAP_DNS_NOT_FOUND', detail }, cause);
}
