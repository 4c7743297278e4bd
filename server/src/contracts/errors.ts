/** The one shape of every answer that is not a success. */
import { z } from 'zod';

export const fieldErrorSchema = z.object({
  /** Path of the field in the request, e.g. `imap.port`, or the name of a query parameter. */
  field: z.string(),
  code: z.string(),
  message: z.string(),
});

export const errorBodySchema = z
  .object({
    error: z.object({
      /** A code of the error catalogue. */
      code: z.string(),
      message: z.string(),
      hint: z.string(),
      fields: z.array(fieldErrorSchema).optional(),
    }),
  })
  .meta({ id: 'Error' });

export type FieldError = z.infer<typeof fieldErrorSchema>;
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** What each route may answer besides its success; spread into `response`. */
export const commonErrors = {
  400: errorBodySchema.describe('A field is not right; `fields` names every one.'),
  401: errorBodySchema.describe('Not logged in, or the token is not valid (any more).'),
  403: errorBodySchema.describe('Logged in, but without the right for this.'),
  429: errorBodySchema.describe('Too many requests; `Retry-After` gives the seconds to wait.'),
  500: errorBodySchema.describe('A fault of ours; the log has the details.'),
  503: errorBodySchema.describe('Something that we need is down for the moment.'),
} as const;

export const notFoundError = { 404: errorBodySchema.describe('Unknown, or not of this tenant.') } as const;
