/** Tries out a server for outgoing mail. Every address goes through the egress guard. */
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { probeSmtp } from '@mailstream/shared/mail/smtp-probe';
import { SMTP_PORTS, type SmtpCredentials, type SmtpPorts } from '@mailstream/shared/mail/smtp-session';
import type { SmtpSettings } from '@mailstream/shared/mail/smtp-settings';
import type { EgressGuard } from '@mailstream/shared/net/egress-guard';
import type { TokenService } from '@mailstream/shared/oauth/token-service';
import type { Clock } from '@mailstream/shared/domain/time';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { SmtpTestResult } from '../contracts/outbound.ts';
import type { SmtpServer } from '../ports.ts';

const WORKED = {
  dns: 'The server name was found.',
  tcp: 'The server accepts connections.',
  tls: 'The server greets, and the connection is as safe as asked for.',
  login: 'The login works.',
} as const;
const STEPS = ['dns', 'tcp', 'tls', 'login'] as const;

export function createSmtpServer(options: {
  readonly smtp: Omit<SmtpPorts, 'guard'> & { readonly guard: Pick<EgressGuard, 'resolve'> };
  readonly tokens: Pick<TokenService, 'accessToken'>;
  readonly clock: Clock;
  /** Over all steps. */
  readonly deadlineMs: number;
}): SmtpServer {
  const { smtp, tokens, clock, deadlineMs } = options;

  const login = async (
    tenant: TenantId,
    id: ProviderId,
    { authType, username }: SmtpSettings,
    password: string | null,
  ): Promise<SmtpCredentials> => {
    if (authType === 'none') return { kind: 'none' };
    if (authType === 'oauth2')
      return {
        kind: 'oauth2',
        username: username ?? '',
        accessToken: await tokens.accessToken({ tenant, id }),
      };
    if (password === null)
      throw new FaultError({ kind: 'auth', code: 'SMTP_AUTH_REJECTED', detail: 'no password is stored' });
    return { kind: 'password', username: username ?? '', password: new SecretValue(password) };
  };

  return {
    vet: async (host, port) => {
      const { candidates } = await smtp.guard.resolve(host, port, SMTP_PORTS);
      return { allowsPlainText: candidates.every(({ address }) => smtp.plaintext.allows(address)) };
    },
    test: async (tenant, id, settings, password, signal) => {
      const done = await probeSmtp(settings, () => login(tenant, id, settings, password), smtp, {
        signal,
        deadlineMs,
        monotonicMs: () => clock.monotonicMs(),
      });
      const steps = STEPS.map((name): SmtpTestResult['steps'][number] => {
        const step = done.find((one) => one.step === name);
        const base = { name, code: null, hint: null, detail: null };
        if (step === undefined) return { ...base, message: 'Not tried.', outcome: 'skipped', durationMs: 0 };
        const { durationMs } = step;
        if (step.ok) return { ...base, message: WORKED[name], outcome: 'ok', durationMs };
        return {
          ...base,
          message: step.message ?? 'This did not work.',
          outcome: 'failed',
          code: step.code ?? 'INTERNAL',
          hint: step.hint ?? null,
          durationMs,
        };
      });
      return { ok: steps.every(({ outcome }) => outcome === 'ok'), steps };
    },
  };
}
