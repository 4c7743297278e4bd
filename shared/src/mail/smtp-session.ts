/**
 * One connection to a server that takes our mail: opened, logged in, used for one mail, closed.
 *
 *   resolve (egress guard) ─▶ connect, TLS ─▶ log in ─▶ [may we still send?] ─▶ MAIL, RCPT, DATA ─▶ taken
 *
 * What always holds: we connect to the address that was vetted, anew each time; no secret and no mail goes over a clear connection
 * unless an operator allowed that address; STARTTLS is required where it is set. Every error is an {@link SmtpError}.
 */
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { FaultError } from '../errors/fault-error.ts';
import type { PlaintextPolicy } from '../imap/plaintext-policy.ts';
import { smtpFailure, type SmtpFailure, type SmtpStage } from './smtp-faults.ts';
import type { SmtpServer } from './smtp-settings.ts';

/** Submission (RFC 8314, RFC 6409). Others need `EGRESS_ALLOW_PORTS` or an address that an operator allowed. */
export const SMTP_PORTS: readonly number[] = [465, 587, 2525];

export type SmtpCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly username: string; readonly password: { reveal(): string } }
  | { readonly kind: 'oauth2'; readonly username: string; readonly accessToken: { reveal(): string } };

export interface SmtpPorts {
  readonly guard: {
    resolve(host: string, port: number, ports: readonly number[]): Promise<{ readonly address: string }>;
  };
  readonly plaintext: PlaintextPolicy;
  readonly tls: SecureContext;
  readonly timeouts: {
    /** For TCP and TLS together, and again for the greeting, milliseconds. */
    readonly connectMs: number;
    /** Longest silence after that, milliseconds. */
    readonly silenceMs: number;
  };
}

export interface SmtpEnvelope {
  /** Empty for the null return path (RFC 5321 section 4.5.5). */
  readonly from: string;
  readonly to: string;
}

export class SmtpError extends Error {
  override readonly name = 'SmtpError';
  readonly failure: SmtpFailure;
  /** A null return path was refused: the same mail may pass with another one. */
  readonly isNullSenderRefused: boolean;

  constructor(failure: SmtpFailure, cause: unknown, isNullSenderRefused = false) {
    super(`${failure.fault.code}: ${failure.fault.detail}`, { cause });
    this.failure = failure;
    this.isNullSenderRefused = isNullSenderRefused;
  }
}

export interface SmtpSession {
  /** Resolves when the server has taken the mail. At most once per session. @throws SmtpError */
  send(envelope: SmtpEnvelope, message: Uint8Array): Promise<void>;
  /** Ends the connection; never rejects. */
  close(): void;
}

/** What a client without a name of its own says when it greets (RFC 5321 section 4.1.4): nothing about our network. */
const OUR_NAME = '[127.0.0.1]';
const MAX_REPLY_BYTES = 64 * 1024;

/**
 * @param onStep called when name lookup, connection with TLS, and login are done
 * @throws SmtpError
 */
export async function openSmtpSession(
  server: SmtpServer,
  credentials: SmtpCredentials,
  ports: SmtpPorts,
  signal: AbortSignal,
  onStep: (step: 'dns' | 'connection' | 'login') => void = () => undefined,
): Promise<SmtpSession> {
  let stage: SmtpStage = 'connecting';
  let connection: SMTPConnection | null = null;
  const close = (): void => connection?.close();
  try {
    const address = await vettedAddress(server, ports);
    onStep('dns');
    connection = new SMTPConnection(connectionOptions(server, address, ports, credentials));
    const opened = connection;
    // Errors come as events as well as by callback; without a listener one would end the process.
    const lost = new Promise<never>((_resolve, reject) => opened.on('error', reject));
    lost.catch(() => undefined);
    signal.addEventListener('abort', close, { once: true });
    signal.throwIfAborted();
    const step = <T>(work: (done: (error: unknown, result?: T) => void) => void): Promise<T> =>
      Promise.race([
        new Promise<T>((resolve, reject) => {
          work((error, result) => (error instanceof Error ? reject(error) : resolve(result as T)));
          // A closed connection calls nobody back.
          opened.once('end', () => reject(Object.assign(new Error('closed'), { code: 'ECONNECTION' })));
        }),
        lost,
      ]);
    await step((done) => opened.connect(done));
    onStep('connection');
    stage = 'loggingIn';
    if (credentials.kind !== 'none') await step((done) => opened.login(authOf(credentials), done));
    onStep('login');
    return {
      close: () => {
        signal.removeEventListener('abort', close);
        close();
      },
      async send(envelope, message) {
        stage = 'envelope';
        const content = Readable.from(pieces(message), { objectMode: false });
        content.once('resume', () => (stage = 'message'));
        content.once('end', () => (stage = 'messageSent'));
        try {
          await step((done) =>
            opened.send(
              {
                from: envelope.from === '' ? false : envelope.from,
                to: [envelope.to],
                size: message.length,
                use8BitMime: true,
              },
              content,
              done,
            ),
          );
        } catch (error) {
          const failure = smtpFailure(error, stage);
          const command = (error as { readonly command?: unknown }).command;
          const refusesNull = envelope.from === '' && failure.isPermanent && command === 'MAIL FROM';
          throw new SmtpError(failure, error, refusesNull);
        }
      },
    };
  } catch (error) {
    signal.removeEventListener('abort', close);
    close();
    throw new SmtpError(smtpFailure(error, stage), error);
  }
}

async function vettedAddress(
  { host, port, security }: SmtpServer,
  { guard, plaintext }: SmtpPorts,
): Promise<string> {
  const { address } = await guard.resolve(host, port, SMTP_PORTS);
  if (security === 'plain' && !plaintext.allows(address))
    throw new FaultError({
      kind: 'misconfigured',
      code: 'TLS_PLAIN_FORBIDDEN',
      detail: 'IMAP_PLAINTEXT_ALLOW_CIDRS does not hold this address',
    });
  return address;
}

function connectionOptions(
  { protocol, host, port, security, verifyCertificate }: SmtpServer,
  address: string,
  { tls, timeouts }: SmtpPorts,
  credentials: SmtpCredentials,
): ConstructorParameters<typeof SMTPConnection>[0] {
  return {
    host: address,
    port,
    lmtp: protocol === 'lmtp',
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'plain',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    tls: { secureContext: tls, rejectUnauthorized: verifyCertificate },
    name: OUR_NAME,
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.connectMs,
    socketTimeout: timeouts.silenceMs,
    socketCloseTimeout: 0,
    maxResponseSize: MAX_REPLY_BYTES,
    logger: false,
    ...(credentials.kind === 'oauth2' ? { customAuth: { XOAUTH2: xoauth2(credentials) } } : {}),
  };
}

function authOf(credentials: Exclude<SmtpCredentials, { kind: 'none' }>): Record<string, unknown> {
  const { username } = credentials;
  const secret =
    credentials.kind === 'password' ? credentials.password.reveal() : credentials.accessToken.reveal();
  // oxlint-disable-next-line no-control-regex -- they separate the parts of SASL PLAIN and XOAUTH2 and are not escaped there
  if (/[\u0000-\u001f\u007f]/.test(username + secret) || username === '' || secret === '')
    throw Object.assign(new Error('unusable credentials'), { code: 'EAUTH' });
  // Without `oauth2` nodemailer would take another method that the server offers; the handler below does the work.
  if (credentials.kind === 'oauth2') return { method: 'XOAUTH2', oauth2: {}, user: username, pass: 'unused' };
  return { credentials: { user: username, pass: secret } };
}

interface AuthExchange {
  sendCommand(command: string): Promise<{ readonly status: number }>;
  resolve(): void;
  reject(error: Error): void;
}

/** nodemailer's own would ask for tokens by itself; ours come from the token service. */
function xoauth2(
  credentials: Extract<SmtpCredentials, { kind: 'oauth2' }>,
): (exchange: AuthExchange) => Promise<void> {
  return async (exchange) => {
    const { username, accessToken } = credentials;
    const initial = Buffer.from(
      `user=${username}\u0001auth=Bearer ${accessToken.reveal()}\u0001\u0001`,
    ).toString('base64');
    let { status } = await exchange.sendCommand(`AUTH XOAUTH2 ${initial}`);
    // The server explains its refusal and waits for an empty line.
    if (status === 334) ({ status } = await exchange.sendCommand(''));
    if (status === 235) exchange.resolve();
    else exchange.reject(Object.assign(new Error('the token was refused'), { responseCode: status }));
  };
}

/** One after the other: the end is told only after the last one was taken. */
function* pieces(message: Uint8Array): Generator<Uint8Array> {
  const size = 64 * 1024;
  for (let at = 0; at < message.length; at += size) yield message.subarray(at, at + size);
}
