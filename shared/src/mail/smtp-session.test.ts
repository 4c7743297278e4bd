/** One connection to a server for outgoing mail: what it demands of TLS, and what it says at the login. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { imapTlsContext } from '../imap/imap-client.ts';
import { plaintextPolicy } from '../imap/plaintext-policy.ts';
import { createEgressGuard } from '../net/egress-guard.ts';
import { SecretValue } from '../secrets/secret-value.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { openSmtpSession, SmtpError, type SmtpCredentials } from './smtp-session.ts';
import type { SmtpServer } from './smtp-settings.ts';

const certificate = makeTestCertificate(['localhost', '127.0.0.1']);
const servers: SMTPServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
});

async function listening(options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer({
    ...certificate,
    logger: false,
    authOptional: true,
    closeTimeout: 100,
    ...options,
  });
  server.on('error', () => undefined);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return (server.server.address() as AddressInfo).port;
}

const NOBODY: SmtpCredentials = { kind: 'none' };

/** The code that the attempt ends with, or `ok`. */
async function outcome(
  server: Partial<SmtpServer> & { readonly port: number },
  credentials: SmtpCredentials = NOBODY,
  trusted: readonly string[] = [certificate.cert],
): Promise<string> {
  try {
    const session = await openSmtpSession(
      { protocol: 'smtp', host: 'localhost', security: 'starttls', verifyCertificate: true, ...server },
      credentials,
      {
        guard: createEgressGuard({
          allowCidrs: ['127.0.0.0/8'],
          resolver: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
        }),
        plaintext: plaintextPolicy([]),
        tls: imapTlsContext(trusted),
        timeouts: { connectMs: 2_000, silenceMs: 2_000 },
      },
      new AbortController().signal,
    );
    session.close();
    return 'ok';
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error;
    return error.failure.fault.code;
  }
}

describe('a connection', () => {
  it('is as safe as asked for, with a certificate that is good for the name', async () => {
    expect(await outcome({ port: await listening({}) })).toBe('ok');
    expect(await outcome({ port: await listening({ secure: true }), security: 'tls' })).toBe('ok');
  });

  it('does not begin where the certificate is not trusted or not for this name, unless an operator relaxed that', async () => {
    const port = await listening({});
    expect(await outcome({ port }, NOBODY, [])).toBe('TLS_CERT_UNTRUSTED');
    expect(await outcome({ port, host: 'smtp.example.com' })).toBe('TLS_CERT_NAME_MISMATCH');
    expect(await outcome({ port, verifyCertificate: false }, NOBODY, [])).toBe('ok');
  });

  it('never goes on in clear: not without STARTTLS, and not where no operator allowed it', async () => {
    const port = await listening({ disabledCommands: ['STARTTLS'] });
    expect(await outcome({ port })).toBe('TLS_REQUIRED');
    expect(await outcome({ port, security: 'plain' })).toBe('TLS_PLAIN_FORBIDDEN');
  });
});

describe('a login', () => {
  const onAuth: SMTPServerOptions['onAuth'] = (
    { method, username, password, accessToken },
    _session,
    callback,
  ) => {
    const isRight =
      username === 'jane' && (method === 'XOAUTH2' ? accessToken === 'token' : password === 'secret');
    if (isRight) callback(null, { user: 'jane' });
    else callback(Object.assign(new Error('wrong'), { responseCode: 535 }));
  };

  it.each<[what: string, credentials: SmtpCredentials, code: string]>([
    ['with the password', { kind: 'password', username: 'jane', password: new SecretValue('secret') }, 'ok'],
    [
      'with another',
      { kind: 'password', username: 'jane', password: new SecretValue('x') },
      'SMTP_AUTH_REJECTED',
    ],
    ['with a token', { kind: 'oauth2', username: 'jane', accessToken: new SecretValue('token') }, 'ok'],
    [
      'with an old token',
      { kind: 'oauth2', username: 'jane', accessToken: new SecretValue('x') },
      'SMTP_AUTH_REJECTED',
    ],
    [
      'with a name that would end its field',
      { kind: 'password', username: 'jane\0joe', password: new SecretValue('secret') },
      'SMTP_AUTH_REJECTED',
    ],
  ])('%s', async (_what, credentials, code) => {
    const port = await listening({ authMethods: ['PLAIN', 'XOAUTH2'], onAuth });
    expect(await outcome({ port }, credentials)).toBe(code);
  });
});
