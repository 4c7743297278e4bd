/**
 * A TLS handshake for looking only: it completes with a bad certificate too, so that a person can be told what is wrong with
 * it. No secret ever goes over these sockets, and they are closed before this resolves.
 */
import { once } from 'node:events';
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Fault } from '../domain/fault.ts';
import type { ImapEndpoint } from '../domain/provider.ts';
import { FaultError } from '../errors/fault-error.ts';
import { closedFault, imapFault, imapFaultError } from './imap-faults.ts';
import { serverText } from './server-text.ts';

export interface CertificateFacts {
  /** Common name, or the first of the alternative names. */
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** DNS names and addresses it is good for, at most 20. */
  readonly names: readonly string[];
}

export interface HandshakeResult {
  readonly certificate: CertificateFacts | null;
  /** What a connection that checks the certificate would fail with. */
  readonly fault: Fault | null;
}

/** Lines before and after STARTTLS are short; a server that sends more is no IMAP server. */
const MOST_CLEAR_BYTES = 16 * 1024;
const MOST_NAMES = 20;

/** Opens a TCP connection. @throws FaultError `IMAP_UNREACHABLE`, ... */
export async function openTcp(address: string, port: number, stop: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: address, port, noDelay: true });
  // Without a listener a late error would end the process.
  socket.on('error', () => undefined);
  stop.addEventListener('abort', () => socket.destroy(), { once: true });
  try {
    await once(socket, 'connect', { signal: stop });
  } catch (error) {
    socket.destroy();
    throw imapFaultError(error, 'connecting');
  }
  return socket;
}

/** Takes over the socket and destroys it. @throws FaultError when there was no handshake at all */
export async function lookAtTls(
  socket: Socket,
  endpoint: ImapEndpoint,
  context: SecureContext,
): Promise<HandshakeResult> {
  try {
    if (endpoint.security === 'starttls') await startTls(socket);
    const secured = await handshake(socket, endpoint.host, context);
    const certificate = certificateOf(secured);
    const problem = secured.authorized ? null : String(secured.authorizationError);
    const fault =
      problem === null || !endpoint.verifyCertificate ? null : imapFault({ code: problem }, 'connecting');
    return { certificate, fault };
  } finally {
    socket.destroy();
  }
}

async function handshake(socket: Socket, host: string, context: SecureContext): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    secureContext: context,
    // Looked at below; nothing is sent on this connection.
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : { host }),
  });
  secured.on('error', () => undefined);
  try {
    await Promise.race([once(secured, 'secureConnect'), closed(socket)]);
  } catch (error) {
    throw imapFaultError(error, 'connecting');
  }
  return secured;
}

/** RFC 9051 section 6.2.1, up to the moment where the handshake begins. */
async function startTls(socket: Socket): Promise<void> {
  const greeting = await readLine(socket);
  if (/^\* PREAUTH\b/i.test(greeting)) throw tlsRequired('the server skipped the login (PREAUTH)');
  if (/^\* BYE\b/i.test(greeting))
    throw new FaultError(closedFault(greeting.slice('* BYE'.length), 'connecting'));
  if (!/^\* OK\b/i.test(greeting)) {
    throw new FaultError({
      kind: 'misconfigured',
      code: 'IMAP_NOT_IMAP',
      detail: 'the greeting is not IMAP',
    });
  }
  socket.write('a1 STARTTLS\r\n');
  let line = await readLine(socket);
  while (line.startsWith('* ')) line = await readLine(socket);
  if (!/^a1 OK\b/i.test(line)) throw tlsRequired('the server refuses STARTTLS');
  if (socket.readableLength > 0) throw imapFaultError({ code: 'STARTTLS_INJECTION' }, 'connecting');
}

function tlsRequired(detail: string): FaultError {
  return new FaultError({ kind: 'misconfigured', code: 'TLS_REQUIRED', detail });
}

/** One line; what follows it stays in the socket. */
async function readLine(socket: Socket): Promise<string> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk: unknown = socket.read();
    if (chunk === null) {
      await Promise.race([once(socket, 'readable'), closed(socket)]);
      continue;
    }
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const end = bytes.indexOf('\n');
    if (end >= 0) {
      socket.unshift(bytes.subarray(end + 1));
      return bytes.toString('latin1', 0, end).trim();
    }
    if (bytes.length > MOST_CLEAR_BYTES) {
      throw new FaultError({
        kind: 'misconfigured',
        code: 'IMAP_NOT_IMAP',
        detail: 'the greeting is not IMAP',
      });
    }
  }
}

/** Rejects when the socket is closed or ended by the peer. */
async function closed(socket: Socket): Promise<never> {
  if (!socket.destroyed && !socket.readableEnded)
    await Promise.race([once(socket, 'close'), once(socket, 'end')]);
  throw new FaultError(closedFault(undefined, 'connecting'));
}

function certificateOf(secured: TLSSocket): CertificateFacts | null {
  const found = secured.getPeerX509Certificate();
  if (found === undefined) return null;
  const names = (found.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return {
    subject: commonName(found.subject) ?? serverText(names[0] ?? ''),
    issuer: commonName(found.issuer) ?? '',
    validFrom: new Date(found.validFrom).toISOString(),
    validTo: new Date(found.validTo).toISOString(),
    names: names
      .filter((name) => name !== '')
      .slice(0, MOST_NAMES)
      .map((name) => serverText(name)),
  };
}

function commonName(distinguishedName: string): string | null {
  const name = /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? /^O=(.*)$/m.exec(distinguishedName)?.[1];
  return name === undefined ? null : serverText(name);
}
