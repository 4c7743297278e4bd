/**
 * Where Redis is and how to log in, from one URL:
 *
 *   redis://user:password@host:6379/0                               one server, with the number of its database
 *   redis+sentinel://user:password@host:26379,host:26379/name/0     the primary that Sentinel knows by this name
 *   redis+cluster://user:password@host:6379,host:6379               a Redis Cluster, of which some nodes are named
 *
 * `rediss`, `rediss+sentinel` and `rediss+cluster` are the same over TLS, which is always verified. Parameters of TLS have the names
 * that PostgreSQL gives them: `sslrootcert`, `sslcert`, `sslkey` (files), and `sslservername` where the certificate has another
 * name than the host. `sentinel_username` and `sentinel_password` log in to the sentinels.
 */
import { isIPv6 } from 'node:net';

/** Every scheme, without the colon. */
export const REDIS_SCHEMES = [
  'redis',
  'rediss',
  'redis+sentinel',
  'rediss+sentinel',
  'redis+cluster',
  'rediss+cluster',
] as const;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisLogin {
  /** Null: the user `default`. */
  readonly user: string | null;
  readonly password: string;
}

/** Files in PEM; null takes the authorities that Node knows, and no certificate of our own. */
export interface RedisTlsFiles {
  readonly authority: string | null;
  readonly client: { readonly certificate: string; readonly key: string } | null;
  /** The name that the certificate must have; null takes the host's. */
  readonly serverName: string | null;
}

export type RedisPlace = {
  readonly login: RedisLogin | null;
  /** Null: no TLS. */
  readonly tls: RedisTlsFiles | null;
} & (
  | { readonly kind: 'server'; readonly address: RedisAddress; readonly database: number }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisAddress[];
      readonly sentinelLogin: RedisLogin | null;
      readonly primary: string;
      readonly database: number;
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisAddress[] }
);

export type RedisPlaceResult =
  | { readonly kind: 'ok'; readonly place: RedisPlace }
  /** What is wrong, to be put behind the variable's name; holds nothing of the URL. */
  | { readonly kind: 'problem'; readonly text: string };

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const TLS_PARAMETERS = ['sslrootcert', 'sslcert', 'sslkey', 'sslservername'];
const SENTINEL_PARAMETERS = ['sentinel_username', 'sentinel_password'];

/** Thrown inside this file only. */
class Problem extends Error {}

export function parseRedisUrl(text: string): RedisPlaceResult {
  try {
    return { kind: 'ok', place: placeOf(text) };
  } catch (error) {
    if (error instanceof Problem) return { kind: 'problem', text: error.message };
    throw error;
  }
}

function placeOf(text: string): RedisPlace {
  const parts = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is.exec(text);
  if (parts === null)
    throw new Problem(`must be a URL that starts with ${REDIS_SCHEMES.map((s) => `${s}://`).join(' or ')}`);
  const [, scheme = '', topology, authority = '', path = '', query = '', fragment] = parts;
  if (fragment !== undefined)
    throw new Problem('must not hold a #: in a password it is written %23, a / is %2F, a ? is %3F');
  const kind = (topology ?? 'server').toLowerCase();
  const at = authority.lastIndexOf('@');
  const login = at < 0 ? null : loginOf(authority.slice(0, at));
  const hosts = authority.slice(at + 1).split(',');
  const hasTls = scheme.toLowerCase() === 'rediss';
  const parameters = parametersOf(query, [
    ...(hasTls ? TLS_PARAMETERS : []),
    ...(kind === 'sentinel' ? SENTINEL_PARAMETERS : []),
  ]);
  const common = { login, tls: hasTls ? tlsOf(parameters) : null };
  const steps = path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decoded);
  if (kind === 'sentinel')
    return {
      ...common,
      ...sentinelPath(steps),
      kind,
      sentinels: hosts.map((host) => addressOf(host, SENTINEL_PORT)),
      sentinelLogin: sentinelLogin(parameters),
    };
  if (kind === 'cluster') {
    if (path !== '' && path !== '/' && path !== '/0')
      throw new Problem('must not name a database: a Redis Cluster has number 0 only');
    return { ...common, kind, nodes: hosts.map((host) => addressOf(host, REDIS_PORT)) };
  }
  const [host = ''] = hosts;
  if (hosts.length > 1)
    throw new Problem('names several hosts: that takes redis+sentinel:// or redis+cluster://');
  if (steps.length > 1)
    throw new Problem('must end with the number of a database, such as /0, or with nothing');
  return { ...common, kind: 'server', address: addressOf(host, REDIS_PORT), database: databaseOf(steps[0]) };
}

function sentinelPath(steps: readonly string[]): { readonly primary: string; readonly database: number } {
  const [primary = '', database] = steps;
  if (primary === '' || steps.length > 2)
    throw new Problem(
      'must end with the name by which Sentinel knows the primary, such as /mymaster, and may go on with the number of a database, such as /mymaster/0',
    );
  return { primary, database: databaseOf(database) };
}

function databaseOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Problem('must have a whole number as database, such as /0');
  return Number(text);
}

function loginOf(text: string): RedisLogin {
  const colon = text.indexOf(':');
  const user = decoded(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1));
  if (password === '') throw new Problem('has a user but no password: write user:password@, or :password@');
  return { user: user === '' ? null : user, password };
}

function sentinelLogin(parameters: ReadonlyMap<string, string>): RedisLogin | null {
  const user = parameters.get('sentinel_username') ?? null;
  const password = parameters.get('sentinel_password');
  if (password !== undefined) return { user, password };
  if (user !== null) throw new Problem('has sentinel_username but no sentinel_password');
  return null;
}

function tlsOf(parameters: ReadonlyMap<string, string>): RedisTlsFiles {
  const [certificate, key] = [parameters.get('sslcert'), parameters.get('sslkey')];
  if ((certificate === undefined) !== (key === undefined))
    throw new Problem('must have sslcert and sslkey together, or neither');
  return {
    authority: parameters.get('sslrootcert') ?? null,
    client: certificate === undefined || key === undefined ? null : { certificate, key },
    serverName: parameters.get('sslservername') ?? null,
  };
}

/** `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. */
function addressOf(text: string, defaultPort: number): RedisAddress {
  const parts = /^(?:\[([^\]]+)\]|([^[\]:@\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? defaultPort);
  if (host === undefined || port < 1 || port > 65_535 || (parts?.[1] !== undefined && !isIPv6(host)))
    throw new Problem('must name every host as host:port, with commas between them');
  return { host: decoded(host), port };
}

function parametersOf(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) throw new Problem(unknownParameter(name));
    if (found.has(name)) throw new Problem(`has ${name} twice`);
    if (value === '') throw new Problem(`has ${name} without a value`);
    found.set(name, value);
  }
  return found;
}

function unknownParameter(name: string): string {
  if (TLS_PARAMETERS.includes(name)) return `has ${name}, which takes TLS: the scheme must begin with rediss`;
  if (SENTINEL_PARAMETERS.includes(name)) return `has ${name}, which is for redis+sentinel://`;
  // Not the name itself: it could be the rest of a password.
  return `has a parameter that is not known; there are ${[...TLS_PARAMETERS, ...SENTINEL_PARAMETERS].join(', ')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Problem('has a % that begins no character: in a password it is written %25');
  }
}
