/**
 * Every answer that is not a success, in one shape (`contracts/errors.ts`). Users see code, sentence and hint of the catalogue;
 * what happened inside is in the log under the same request id, never in the answer.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { isErrorCode, type ErrorCode } from '@mailstream/shared/errors/catalogue';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Logger } from '@mailstream/shared/runtime/logger';
import { ApiError } from '../api-error.ts';
import type { ErrorBody } from '../contracts/errors.ts';
import { fieldErrors, type SchemaIssue } from './field-errors.ts';

export function registerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const apiError = toApiError(error);
    if (apiError.status >= 500) logFailure(log, request, apiError, error);
    return sendError(reply, apiError);
  });
}

/** For whatever no route answers. */
export function sendNotFound(reply: FastifyReply): FastifyReply {
  return sendError(reply, new ApiError('NOT_FOUND'));
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  // A 429 carries the header already; a dependency that is down is worth another try soon.
  if (error.status === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', '5');
  return reply.code(error.status).type('application/json; charset=utf-8').send(errorBody(error));
}

export function errorBody(error: ApiError): ErrorBody {
  const { code, message, hint, fields } = error;
  return { error: { code, message, hint, ...(fields.length === 0 ? {} : { fields: [...fields] }) } };
}

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    // An id that is none is as unknown as one that names nothing.
    if (error.validationContext === 'params') return new ApiError('NOT_FOUND');
    return new ApiError('VALIDATION_FAILED', {
      fields: fieldErrors(error.validation as unknown as readonly SchemaIssue[]),
    });
  }
  if (error instanceof FaultError) return faultError(error);
  return libraryError(error);
}

function faultError(error: FaultError): ApiError {
  const code: ErrorCode = isErrorCode(error.fault.code) ? error.fault.code : 'INTERNAL';
  return new ApiError(code, { cause: error });
}

/** What Fastify and its plugins refuse has a status below 500; anything else is a fault of ours. */
function libraryError(error: unknown): ApiError {
  const statusCode = error instanceof Error ? (error as Partial<FastifyError>).statusCode : undefined;
  if (statusCode === 413)
    return new ApiError('VALIDATION_FAILED', {
      status: 413,
      message: 'The request is too large.',
      hint: 'Send less.',
    });
  if (statusCode === 415)
    return new ApiError('VALIDATION_FAILED', {
      status: 415,
      message: 'Only JSON is accepted.',
      hint: 'Send `Content-Type: application/json`.',
    });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiError('VALIDATION_FAILED', {
      message: 'The request could not be read.',
      hint: 'The body must be one JSON value, and the address well formed.',
    });
  return new ApiError('INTERNAL', { cause: error });
}

function logFailure(log: Logger, request: FastifyRequest, apiError: ApiError, error: unknown): void {
  // A dependency that is away is no bug, and comes back.
  const level = apiError.status === 503 ? 'warn' : 'error';
  log[level]('request failed', {
    requestId: request.id,
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: apiError.status,
    code: apiError.code,
    tenantId: request.actor?.tenant ?? null,
    error: error instanceof ApiError && error.cause !== undefined ? error.cause : error,
  });
}
