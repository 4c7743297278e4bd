/** The mail server of a mailbox: may it be reached, and does a login work. Every address goes through the egress guard. */
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { ImapClientPorts } from '@mailstream/shared/imap/imap-client';
import type { ImapCredentials } from '@mailstream/shared/imap/imap-credentials';
import { probeMailbox, type ProbeReport } from '@mailstream/shared/imap/probe';
import type { EgressGuard } from '@mailstream/shared/net/egress-guard';
import { requestTokens } from '@mailstream/shared/oauth/token-endpoint';
import type { TokenService } from '@mailstream/shared/oauth/token-service';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { TestResult, TestStep } from '../contracts/provider-test.ts';
import type { MailServer, ProbeCredentials } from '../ports/mail-server.ts';

const STEPS = ['dns', 'tcp', 'tls', 'login', 'folders'] as const;
type StepName = (typeof STEPS)[number];

const WORKED: Record<StepName, string> = {
  dns: 'The server name was found.',
  tcp: 'The server accepts connections.',
  tls: 'The connection is encrypted, and the certificate is good.',
  login: 'The login works.',
  folders: 'The folders are there.',
};

export function createMailServer(options: {
  readonly guard: EgressGuard;
  readonly imap: Omit<ImapClientPorts, 'guard'>;
  readonly tokens: Pick<TokenService, 'accessToken'>;
  /** Over all steps of a test. */
  readonly deadlineMs: number;
}): MailServer {
  const { guard, imap, tokens, deadlineMs } = options;

  async function login(provider: ImapProvider, credentials: ProbeCredentials): Promise<ImapCredentials> {
    const { username } = provider.auth;
    switch (credentials.kind) {
      case 'password':
        return { kind: 'password', username, password: new SecretValue(credentials.password) };
      case 'stored':
        return { kind: 'oauth2', username, accessToken: await tokens.accessToken(provider) };
      case 'accessToken':
        return { kind: 'oauth2', username, accessToken: credentials.accessToken };
      case 'clientCredentials':
        return {
          kind: 'oauth2',
          username,
          accessToken: await applicationToken(provider, credentials.clientSecret),
        };
      case 'none':
      case 'untried':
        throw new FaultError({
          kind: 'auth',
          code: 'IMAP_CREDENTIALS_MISSING',
          detail: 'nothing to log in with',
        });
    }
  }

  /** A token for the application itself: asking for one uses nothing up. */
  async function applicationToken(provider: ImapProvider, clientSecret: string): Promise<SecretValue> {
    if (provider.auth.kind !== 'oauth2') throw new TypeError('a password login has no token');
    const { tokenUrl, clientId, scopes } = provider.auth;
    const issued = await requestTokens({
      fetch: guard.fetch,
      application: { tokenUrl, clientId, clientSecret: new SecretValue(clientSecret) },
      grant: { kind: 'client_credentials', scopes },
      now: () => imap.clock.now(),
    });
    return issued.accessToken;
  }

  return {
    async vet(host, port) {
      const { candidates } = await guard.resolve(host, port);
      return { allowsPlainText: candidates.every(({ address }) => imap.plaintext.allows(address)) };
    },
    async vetUrl(url) {
      const { hostname, port } = new URL(url);
      await guard.resolve(hostname, port === '' ? 443 : Number(port), [443]);
    },
    async probe(provider, credentials, signal) {
      const request = {
        endpoint: provider.endpoint,
        credentials: () => login(provider, credentials),
        folders: provider.folders,
        deadlineMs,
      };
      const report = await probeMailbox(request, { ...imap, guard }, signal);
      return toResult(report, provider, credentials.kind === 'untried');
    },
  };
}

function toResult(report: ProbeReport, provider: ImapProvider, isLoginUntried: boolean): TestResult {
  const steps = STEPS.map((name): TestStep => {
    const done = report.steps.find(({ step }) => step === name);
    if (done === undefined) return skipped(name, 'Not tried.');
    if (name === 'login' && isLoginUntried)
      return skipped(
        name,
        'Not tried: a refresh token may be good for one use only, which is not spent on a test.',
      );
    const { durationMs, detail = null } = done;
    if (done.ok) return { ...base(name, worked(name, provider)), outcome: 'ok', durationMs };
    return {
      ...base(name, done.message ?? 'This did not work.'),
      outcome: 'failed',
      code: done.code ?? 'INTERNAL',
      hint: done.hint ?? null,
      detail,
      durationMs,
    };
  });
  return {
    ok: steps.every(
      ({ outcome }, index) => outcome === 'ok' || (isLoginUntried && index >= STEPS.indexOf('login')),
    ),
    steps,
    folders: report.folders.map(({ path, delimiter, specialUse, isSelectable, messages }) => ({
      name: path,
      delimiter,
      specialUse,
      isSelectable,
      messages,
    })),
    foldersCut: report.foldersCut,
    missingFolders: [...report.missingFolders],
    certificate:
      report.certificate === null ? null : { ...report.certificate, names: [...report.certificate.names] },
    canIdle: report.canIdle,
  };
}

function worked(name: StepName, { endpoint }: ImapProvider): string {
  if (name !== 'tls') return WORKED[name];
  if (endpoint.security === 'plain') return 'Not encrypted; an operator allows that for this address.';
  return endpoint.verifyCertificate
    ? WORKED.tls
    : 'The connection is encrypted; the certificate is not checked.';
}

function base(name: StepName, message: string) {
  return { name, message, code: null, hint: null, detail: null };
}

function skipped(name: StepName, message: string): TestStep {
  return { ...base(name, message), outcome: 'skipped', durationMs: 0 };
}
