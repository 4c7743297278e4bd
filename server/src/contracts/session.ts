/** Logging in, and who is logged in. */
import { z } from 'zod';
import { exactLine, line } from './text.ts';

/** What a token or a user may do. A user's role stands for a fixed set of these. */
export const SCOPES = [
  'providers:read',
  'providers:write',
  'messages:read',
  'messages:write',
  'tickets:read',
  'tickets:write',
  'accounts:read',
  'accounts:write',
  'operator',
] as const;
export const scopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

export const loginBodySchema = z.strictObject({
  email: line(320),
  password: exactLine(1024),
  /** Needed only where the same address has accounts in several tenants. */
  tenantId: z.uuid().optional(),
});

export const meSchema = z
  .object({
    kind: z.enum(['user', 'api_token']),
    id: z.uuid(),
    /** The user's name, or the token's. */
    name: z.string(),
    email: z.string().nullable(),
    tenant: z.object({ id: z.uuid(), name: z.string() }),
    scopes: z.array(scopeSchema),
  })
  .meta({ id: 'Me' });

export type LoginBody = z.infer<typeof loginBodySchema>;
export type Me = z.infer<typeof meSchema>;
