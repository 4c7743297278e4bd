/** "Test before save" of a server for outgoing mail: one step after the other, up to the first that fails. Sends nothing. */
import { type ErrorCode, errorEntry, isErrorCode } from '../errors/catalogue.ts';
import { openTcp } from '../imap/tls-handshake.ts';
import {
  openSmtpSession,
  SMTP_PORTS,
  SmtpError,
  type SmtpCredentials,
  type SmtpPorts,
} from './smtp-session.ts';
import { smtpFailure } from './smtp-faults.ts';
import type { SmtpServer } from './smtp-settings.ts';

export type SmtpProbeStepName = 'dns' | 'tcp' | 'tls' | 'login';

export interface SmtpProbeStep {
  readonly step: SmtpProbeStepName;
  readonly ok: boolean;
  /** Of the catalogue; only when the step failed. The server's own words are never passed on. */
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
  readonly durationMs: number;
}

/** Never rejects for anything a mail server can do. @param deadlineMs over all steps */
export async function probeSmtp(
  server: SmtpServer,
  credentials: () => Promise<SmtpCredentials>,
  ports: SmtpPorts,
  limits: { readonly signal: AbortSignal; readonly deadlineMs: number; readonly monotonicMs: () => number },
): Promise<readonly SmtpProbeStep[]> {
  const steps: SmtpProbeStep[] = [];
  const signal = AbortSignal.any([limits.signal, AbortSignal.timeout(limits.deadlineMs)]);
  let current: SmtpProbeStepName = 'dns';
  let beganAt = limits.monotonicMs();
  const elapsed = (): number => Math.round(limits.monotonicMs() - beganAt);
  const passed = (next: SmtpProbeStepName | null): void => {
    steps.push({ step: current, ok: true, durationMs: elapsed() });
    current = next ?? current;
    beganAt = limits.monotonicMs();
  };
  try {
    const { address } = await ports.guard.resolve(server.host, server.port, SMTP_PORTS);
    passed('tcp');
    const socket = await openTcp(
      address,
      server.port,
      AbortSignal.any([signal, AbortSignal.timeout(ports.timeouts.connectMs)]),
    );
    socket.destroy();
    passed('tls');
    const session = await openSmtpSession(server, await credentials(), ports, signal, (step) => {
      if (step === 'connection') passed('login');
      if (step === 'login') passed(null);
    });
    session.close();
  } catch (error) {
    steps.push(failed(current, error, elapsed()));
  }
  return steps;
}

function failed(step: SmtpProbeStepName, error: unknown, durationMs: number): SmtpProbeStep {
  const { fault } = error instanceof SmtpError ? error.failure : smtpFailure(error, 'connecting');
  const { message, hint } = errorEntry(codeOf(fault.code));
  return { step, ok: false, code: codeOf(fault.code), message, hint, durationMs };
}

/** Whoever is asked over TCP alone answers in the words of the mailbox's side. */
function codeOf(code: string): ErrorCode {
  if (code === 'IMAP_UNREACHABLE' || code === 'IMAP_CONNECTION_LOST') return 'SMTP_UNREACHABLE';
  if (code === 'IMAP_TIMEOUT') return 'SMTP_TIMEOUT';
  return isErrorCode(code) ? code : 'INTERNAL';
}
