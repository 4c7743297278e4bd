/** API tokens of programs. */
import { z } from 'zod';
import { scopeSchema } from './session.ts';
import { line, timestamp } from './text.ts';

export const tokenBodySchema = z.strictObject({
  name: line(255),
  /** Not more than whoever makes it has. */
  scopes: z
    .array(scopeSchema)
    .min(1)
    .max(20)
    .transform((scopes) => [...new Set(scopes)]),
  /** Without it the token does not expire. */
  expiresAt: timestamp.optional(),
});

export const tokenSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    scopes: z.array(scopeSchema),
    state: z.enum(['active', 'expired', 'revoked']),
    createdAt: timestamp,
    createdBy: z.string().nullable(),
    lastUsedAt: timestamp.nullable(),
    expiresAt: timestamp.nullable(),
    revokedAt: timestamp.nullable(),
  })
  .meta({ id: 'ApiToken' });

export const tokenListSchema = z.object({ items: z.array(tokenSchema) });

/** `secret` is what programs send; it is shown this once. */
export const newTokenSchema = z.object({ token: tokenSchema, secret: z.string() });

export type TokenBody = z.infer<typeof tokenBodySchema>;
export type AccountToken = z.infer<typeof tokenSchema>;
export type NewToken = z.infer<typeof newTokenSchema>;
