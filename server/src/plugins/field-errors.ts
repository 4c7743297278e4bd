/** Issues of zod as field errors that a person can act on: one for each field, in plain words. */
import { closestForm } from '@mailstream/shared/rules/closest-form';
import type { FieldError } from '../contracts/errors.ts';

/** An issue as `fastify-type-provider-zod` passes it on: the code is `keyword`, the rest of it is in `params`. */
export interface SchemaIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

export function fieldErrors(issues: readonly SchemaIssue[]): FieldError[] {
  const seen = new Set<string>();
  return issues.flatMap(describe).filter(({ field }) => (seen.has(field) ? false : (seen.add(field), true)));
}

function describe(issue: SchemaIssue): FieldError[] {
  const field = issue.instancePath.replace(/^\//, '').replaceAll('/', '.');
  const { params } = issue;
  switch (issue.keyword) {
    case 'unrecognized_keys':
      return (params['keys'] as string[]).map((key) => ({
        field: field === '' ? key : `${field}.${key}`,
        code: 'UNKNOWN_FIELD',
        message: 'This field is not known here.',
      }));
    case 'invalid_type':
      return [wrongType(field, issue)];
    case 'too_small':
      return [tooSmall(field, params)];
    case 'too_big':
      return [tooBig(field, params)];
    case 'invalid_value':
      return [
        {
          field,
          code: 'NOT_ALLOWED',
          message: `Allowed: ${(params['values'] as unknown[]).map(String).join(', ')}.`,
        },
      ];
    case 'invalid_union':
      return noForm(issue, field);
    case 'invalid_format':
      return [{ field, code: 'INVALID_FORMAT', message: formatMessage(issue) }];
    default:
      return [{ field, code: customCode(params), message: sentence(issue.message) }];
  }
}

interface FormIssue extends Readonly<Record<string, unknown>> {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What is wrong with it as the form that it was meant to have; of that alone a person can make something. */
function noForm(issue: SchemaIssue, field: string): FieldError[] {
  const forms = (issue.params['errors'] ?? []) as readonly (readonly FormIssue[])[];
  const inner = closestForm(forms).flatMap(({ code, path, message, ...params }) =>
    describe({
      keyword: code,
      instancePath: [issue.instancePath, ...path.map(String)].join('/'),
      message,
      params,
    }),
  );
  return inner.length > 0
    ? inner
    : [{ field, code: 'NOT_ALLOWED', message: 'This is not one of the allowed forms.' }];
}

/** Schemas that are not the API's alone say what is wrong without naming the field: "must not be empty". */
function sentence(message = 'This is not right.'): string {
  return /^[a-z]/.test(message) ? `This ${message}.` : message;
}

/** A rule of ours may give its own code. */
function customCode(params: SchemaIssue['params']): string {
  const own = (params['params'] as { readonly code?: unknown } | undefined)?.code;
  return typeof own === 'string' ? own : 'INVALID';
}

function wrongType(field: string, issue: SchemaIssue): FieldError {
  // zod leaves `input` out of its issues; only its sentence says that nothing was given.
  if (issue.message?.endsWith('received undefined') === true)
    return { field: field === '' ? 'body' : field, code: 'REQUIRED', message: 'This is required.' };
  const expected = String(issue.params['expected']);
  const words: Record<string, string> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
  };
  return {
    field: field === '' ? 'body' : field,
    code: 'WRONG_TYPE',
    message: `This must be ${words[expected] ?? expected}.`,
  };
}

function tooSmall(field: string, params: SchemaIssue['params']): FieldError {
  const minimum = Number(params['minimum']);
  if (params['origin'] === 'string')
    return minimum <= 1
      ? { field, code: 'REQUIRED', message: 'This must not be empty.' }
      : { field, code: 'TOO_SHORT', message: `At least ${minimum} characters.` };
  return { field, code: 'OUT_OF_RANGE', message: `The smallest value is ${minimum}.` };
}

function tooBig(field: string, params: SchemaIssue['params']): FieldError {
  const maximum = Number(params['maximum']);
  if (params['origin'] === 'string')
    return { field, code: 'TOO_LONG', message: `At most ${maximum} characters.` };
  if (params['origin'] === 'array')
    return { field, code: 'TOO_LONG', message: `At most ${maximum} entries.` };
  return { field, code: 'OUT_OF_RANGE', message: `The largest value is ${maximum}.` };
}

function formatMessage({ message, params }: SchemaIssue): string {
  // Unless a schema says more, zod does, for programmers.
  if (message !== undefined && !message.startsWith('Invalid ')) return sentence(message);
  switch (params['format']) {
    case 'uuid':
      return 'This must be a UUID.';
    case 'date':
      return 'This must be a date such as 2026-11-21.';
    default:
      return 'This does not have the right form.';
  }
}
