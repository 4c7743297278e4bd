/**
 * Opens one authenticated imapflow client. What always holds:
 * - the address comes from the egress guard, anew at every connect, and is what we connect to (imapflow has no lookup hook:
 *   `host` is the address, `servername` the name that certificate and SNI are checked against);
 * - no secret leaves on a clear connection, unless the settings say `plain` and the operator allowed that address;
 * - `starttls` means required: no STARTTLS, a refused one, PREAUTH or bytes before the handshake end the attempt;
 * - referrals are not followed (imapflow does not), compression and BINARY are off (a decompression bomb; and the bytes
 *   must be the message's own);
 * - an 'error' listener is there before anything can fail, and stays: without one the process dies.
 */
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { ImapFlow } from 'imapflow';
import type { ImapEndpoint } from '../domain/provider.ts';
import type { Clock } from '../domain/time.ts';
import { FaultError } from '../errors/fault-error.ts';
import { bounded, STOPPED } from './bounded.ts';
import { askNamespacePrefix, BriefImapFlow } from './brief-imapflow.ts';
import { checkCredentials, type ImapCredentials, revealed } from './imap-credentials.ts';
import { imapFaultError } from './imap-faults.ts';
import type { PlaintextPolicy } from './plaintext-policy.ts';
import { WireWatch } from './wire-watch.ts';

export type OauthMechanism = 'XOAUTH2' | 'OAUTHBEARER';

export interface ImapClientSettings {
  /** For TCP and TLS together, and again for the greeting, milliseconds. */
  readonly connectTimeoutMs: number;
  /** Over the whole of it, name lookup to login, milliseconds. */
  readonly deadlineMs: number;
  /** `IMAP_OAUTH_AUTH_MECHANISM`: taken where the server offers both. */
  readonly oauthMechanism: OauthMechanism;
  /** TCP keepalive (`IMAP_SOCKET_KEEPALIVE`). */
  readonly keepAlive: boolean;
  /** Largest literal taken; above the largest part ever asked for. Default 16 MiB. */
  readonly maxLiteralBytes?: number;
}

export interface ImapClientPorts {
  readonly guard: { resolve(host: string, port: number): Promise<{ readonly address: string }> };
  readonly plaintext: PlaintextPolicy;
  readonly clock: Clock;
  /** From `imapTlsContext`, one for all connections: a context of its own costs each of them hundreds of KiB. */
  readonly tls: SecureContext;
  readonly settings: ImapClientSettings;
}

export interface ImapConnection {
  readonly client: ImapFlow;
  readonly wire: WireWatch;
  /** Asks for the prefix of the personal namespace, e.g. `INBOX.`; names passed to the client are used as they are. */
  readonly namespacePrefix: () => Promise<string>;
  /** What we logged in with, to be cut out of whatever the server says: a hostile one may repeat it to us. */
  readonly secret: () => string;
}

const DEFAULT_MAX_LITERAL_BYTES = 16 * 1024 * 1024;
/** A line of 1 MiB holds some 100,000 UIDs; longer lists are asked for in parts. */
const MAX_LINE_BYTES = 1024 * 1024;
/** imapflow's own watchdogs would wait and retry behind our back; every command has our deadline instead. */
const SOCKET_TIMEOUT_MS = 24 * 60 * 60_000;
/** Below the shortest idle timeouts of NAT gateways (240 s); imapflow's 5 s would wake 10,000 idle sockets all the time. */
const KEEP_ALIVE_MS = 60_000;

/** @param extraAuthorities PEM, trusted besides the built-in ones */
export function imapTlsContext(extraAuthorities: readonly string[] = []): SecureContext {
  const ca = extraAuthorities.length === 0 ? {} : { ca: [...rootCertificates, ...extraAuthorities] };
  return createSecureContext({ minVersion: 'TLSv1.2', ...ca });
}

/**
 * @throws FaultError with a code of the catalogue; the connection is closed then. Waits at most `settings.deadlineMs`.
 */
export async function openImapClient(
  endpoint: ImapEndpoint,
  credentials: ImapCredentials,
  ports: ImapClientPorts,
  signal: AbortSignal,
): Promise<ImapConnection> {
  checkCredentials(credentials);
  const limits = {
    clock: ports.clock,
    deadlineMs: ports.settings.deadlineMs,
    signal,
    doing: 'connecting and logging in',
  };
  return await bounded(limits, async (stop) => {
    const { address } = await ports.guard.resolve(endpoint.host, endpoint.port);
    if (endpoint.security === 'plain' && !ports.plaintext.allows(address)) {
      throw new FaultError({
        kind: 'misconfigured',
        code: 'TLS_PLAIN_FORBIDDEN',
        detail: 'IMAP_PLAINTEXT_ALLOW_CIDRS does not hold this address',
      });
    }
    // The deadline may have passed while the name was looked up: then nothing is opened that nobody would close.
    if (stop.aborted) throw new FaultError(STOPPED);
    return await logIn(endpoint, credentials, ports, { address, stop });
  });
}

async function logIn(
  endpoint: ImapEndpoint,
  credentials: ImapCredentials,
  ports: ImapClientPorts,
  { address, stop }: { readonly address: string; readonly stop: AbortSignal },
): Promise<ImapConnection> {
  const wire = new WireWatch();
  const client = newClient(endpoint, credentials, ports, { address, wire });
  client.on('error', () => undefined);
  if (credentials.kind === 'oauth2') preferMechanism(client, ports.settings.oauthMechanism);
  const close = (): void => client.close();
  // A server that throttles the login gets no second command on this connection.
  wire.onThrottled = () => client.closeAfter();
  let skippedLogin = false;
  wire.onLine = (line) => {
    if (!/^\* PREAUTH\b/i.test(line)) return;
    skippedLogin = true;
    client.closeAfter();
  };
  stop.addEventListener('abort', close, { once: true });
  try {
    await client.connect();
  } catch (error) {
    client.close();
    if (skippedLogin) throw preauthFault(endpoint);
    const phase = client.greeting === undefined ? 'connecting' : 'loggingIn';
    throw imapFaultError(throttleOr(error, wire), phase, [revealed(credentials)]);
  } finally {
    // The listener on `stop` stays: an abort between here and the caller's hands still closes the client.
    wire.onThrottled = null;
    wire.onLine = null;
    // The client lives for days; its copy of the secret need not.
    client.options.auth = undefined;
  }
  return ready(client, wire, ports.settings, () => revealed(credentials));
}

function newClient(
  endpoint: ImapEndpoint,
  credentials: ImapCredentials,
  { settings, tls }: ImapClientPorts,
  { address, wire }: { readonly address: string; readonly wire: WireWatch },
): BriefImapFlow {
  const maxLiteralSize = settings.maxLiteralBytes ?? DEFAULT_MAX_LITERAL_BYTES;
  const secret = revealed(credentials);
  return new BriefImapFlow({
    host: address,
    port: endpoint.port,
    // An address is no server name (RFC 6066 section 3); its certificate is checked against `host` then.
    ...(isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}),
    secure: endpoint.security === 'tls',
    ...(endpoint.security === 'tls' ? {} : { doSTARTTLS: endpoint.security === 'starttls' }),
    tls: { secureContext: tls, rejectUnauthorized: endpoint.verifyCertificate },
    auth:
      credentials.kind === 'password'
        ? { user: credentials.username, pass: secret }
        : { user: credentials.username, accessToken: secret },
    // Sent before STARTTLS: nothing of the tenant, nothing of the machine.
    clientInfo: { name: 'Mailstream', version: false, vendor: false, 'support-url': false },
    logger: wire,
    disableAutoIdle: true,
    disableCompression: true,
    disableBinary: true,
    disableIMAP4rev2: true,
    connectionTimeout: settings.connectTimeoutMs,
    greetingTimeout: settings.connectTimeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxLineLength: MAX_LINE_BYTES,
    maxLiteralSize,
    maxResponseSize: maxLiteralSize + 2 * MAX_LINE_BYTES,
  });
}

function ready(
  client: BriefImapFlow,
  wire: WireWatch,
  settings: ImapClientSettings,
  secret: () => string,
): ImapConnection {
  const socket = socketOf(client);
  socket?.setKeepAlive(settings.keepAlive, KEEP_ALIVE_MS);
  return { client, wire, namespacePrefix: () => askNamespacePrefix(client), secret };
}

/** Whose mailbox it is was not decided by our login; on a clear port it is also how STARTTLS is bypassed. */
function preauthFault(endpoint: ImapEndpoint): FaultError {
  return new FaultError({
    kind: 'misconfigured',
    code: endpoint.security === 'starttls' ? 'TLS_REQUIRED' : 'IMAP_PROTOCOL',
    detail: 'the server skipped the login (PREAUTH)',
  });
}

/**
 * imapflow takes OAUTHBEARER wherever it is offered and has no option to choose. It decides by its public `capabilities`,
 * which it replaces as a whole at each announcement: so the other mechanism is taken out of what is announced.
 */
function preferMechanism(client: ImapFlow, mechanism: OauthMechanism): void {
  const other = mechanism === 'XOAUTH2' ? 'OAUTHBEARER' : 'XOAUTH2';
  let announced = client.capabilities;
  Object.defineProperty(client, 'capabilities', {
    get: () => announced,
    set: (capabilities: Map<string, boolean | number>) => {
      if (capabilities.has(`AUTH=${mechanism}`)) capabilities.delete(`AUTH=${other}`);
      announced = capabilities;
    },
    enumerable: true,
    configurable: true,
  });
}

/** During the login imapflow waits out a throttle hint and loses it; the watch has seen it. */
function throttleOr(error: unknown, wire: WireWatch): unknown {
  const swallowed = wire.takeSwallowed();
  const isThrottle = typeof swallowed === 'object' && swallowed !== null && 'throttleReset' in swallowed;
  return isThrottle ? swallowed : error;
}

/** The socket is no documented property; without it keepalive stays as imapflow sets it (on, 5 s). */
function socketOf(client: ImapFlow): Socket | null {
  const { socket } = client as unknown as { readonly socket?: Partial<Socket> | null };
  return typeof socket?.setKeepAlive === 'function' ? (socket as Socket) : null;
}
