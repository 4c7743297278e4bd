import type { Fault } from '../domain/fault.ts';

/** A Fault on its way through code that throws. Made in adapters only; `cause` keeps the library's error for the log. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(`${fault.code}: ${fault.detail}`, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** Coerces anything caught to a Fault: unknown errors are bugs of ours until a table says otherwise. */
export function toFault(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  const text =
    error instanceof Error ? `${error.name}: ${error.message}` : 'a value that is not an Error was thrown';
  return { kind: 'bug', code: 'INTERNAL', detail: text };
}
