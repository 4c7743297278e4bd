import { errorEntry, type ErrorCode } from '@mailstream/shared/errors/catalogue';
import type { FieldError } from './contracts/errors.ts';

/**
 * Ends a request with a code of the catalogue; the error plugin makes the answer. `message` and `hint` replace the
 * catalogue's where this place knows better; `fields` names what the user has to change.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly hint: string;
  readonly fields: readonly FieldError[];

  constructor(
    code: ErrorCode,
    details: {
      readonly message?: string;
      readonly hint?: string;
      readonly fields?: readonly FieldError[];
      readonly status?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    const entry = errorEntry(code);
    super(
      details.message ?? entry.message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.status = details.status ?? entry.status;
    this.hint = details.hint ?? entry.hint;
    this.fields = details.fields ?? [];
  }
}

/** One field that clashes with a code of the catalogue, in the catalogue's words. */
export function fieldError(field: string, code: ErrorCode): FieldError {
  return { field, code, message: errorEntry(code).message };
}
