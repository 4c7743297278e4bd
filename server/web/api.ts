/** The server's API as functions. Every failure is an `ApiFailure` with a sentence for the user, in the user's language. */
import type { ErrorBody, FieldError } from '../src/contracts/errors.ts';
import { said, texts } from './texts.ts';

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  /** 0 when the server could not be reached. */
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly fields: readonly FieldError[];

  constructor(status: number, error: ErrorBody['error']) {
    super(said(error.message));
    this.status = status;
    this.code = error.code;
    this.hint = said(error.hint);
    this.fields = (error.fields ?? []).map((field) => ({ ...field, message: said(field.message) }));
  }
}

const unreachable: ErrorBody['error'] = {
  code: 'UNREACHABLE',
  message: texts.common.unreachable,
  hint: texts.common.unreachableHint,
};

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** @throws ApiFailure */
export async function request<Result>(method: Method, path: string, body?: unknown): Promise<Result> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    // The server takes JSON only, also where there is nothing to say: other sites cannot send that.
    ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
  }).catch(() => null);
  if (response === null) throw new ApiFailure(0, unreachable);
  if (response.status === 204) return undefined as Result;
  const answer = (await response.json().catch(() => null)) as unknown;
  if (response.ok && answer !== null) return answer as Result;
  throw new ApiFailure(response.status, isErrorBody(answer) ? answer.error : unreachable);
}

function isErrorBody(answer: unknown): answer is ErrorBody {
  return typeof answer === 'object' && answer !== null && 'error' in answer;
}

/** A path with its query; what is empty or undefined is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
