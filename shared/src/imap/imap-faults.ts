/** Everything imapflow, Node and TLS can throw, as a Fault. The cases are in `imap-fault-table.ts`. */
import type { Fault } from '../domain/fault.ts';
import { FaultError } from '../errors/fault-error.ts';
import { IMAP_FAULT_TABLE, type FaultFacts, type ImapPhase } from './imap-fault-table.ts';
import { serverText } from './server-text.ts';

/** The Fault of anything caught while talking IMAP; `secrets` are removed from the server's text. */
export function imapFault(error: unknown, phase: ImapPhase, secrets: readonly string[] = []): Fault {
  if (error instanceof FaultError) return error.fault;
  const facts = factsOf(error, phase);
  const row = IMAP_FAULT_TABLE.find(({ when }) => when(facts));
  // The message of an unknown error may hold anything; its name and code are enough to find it.
  if (row === undefined)
    return { kind: 'bug', code: 'INTERNAL', detail: `unexpected ${nameOf(error)} ${facts.code}`.trim() };
  const code = facts.responseCode === '' ? '' : `[${facts.responseCode}] `;
  const said = serverText(`${code}${facts.text}`, secrets);
  return {
    kind: row.kind,
    code: row.code,
    detail: said === '' ? row.says : `${row.says}: ${said}`,
    ...(row.backoff === undefined ? {} : { retryAfterMs: row.backoff(facts) }),
  };
}

export function imapFaultError(
  error: unknown,
  phase: ImapPhase,
  secrets: readonly string[] = [],
): FaultError {
  return error instanceof FaultError ? error : new FaultError(imapFault(error, phase, secrets), error);
}

/** The Fault of a connection that ended; `byeText` is what the server said in its BYE, if anything. */
export function closedFault(
  byeText: string | undefined,
  phase: ImapPhase,
  secrets: readonly string[] = [],
): Fault {
  return imapFault({ code: 'NoConnection', reason: byeText }, phase, secrets);
}

function factsOf(error: unknown, phase: ImapPhase): FaultFacts {
  const fields =
    typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : {};
  const inner = nested(fields['_err']) ?? nested(fields['parserError']);
  return {
    phase,
    code: text(fields['code']) || text(inner?.['code']),
    message: text(fields['message']),
    status: text(fields['responseStatus']),
    responseCode: (text(fields['serverResponseCode']) || responseCodeOf(fields['response'])).toUpperCase(),
    text: text(fields['responseText']) || text(fields['reason']) || text(fields['response']),
    isMailboxMissing: fields['mailboxMissing'] === true,
    isTlsFailure: fields['tlsFailed'] === true,
    tokenStatus: text(nested(fields['oauthError'])?.['status']),
  };
}

/** imapflow leaves the parsed response on errors of some commands: the code is the first element of its first section. */
function responseCodeOf(response: unknown): string {
  const attributes = nested(response)?.['attributes'];
  const section = Array.isArray(attributes) ? nested(attributes[0])?.['section'] : undefined;
  return Array.isArray(section) ? text(nested(section[0])?.['value']) : '';
}

function nested(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
