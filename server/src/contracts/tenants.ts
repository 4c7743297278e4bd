/** The tenant of whoever asks; and new ones, which operators make. */
import { z } from 'zod';
import { line, timestamp } from './text.ts';
import { invitationSchema, userBodySchema } from './users.ts';

export const tenantSchema = z
  .object({ id: z.uuid(), name: z.string(), createdAt: timestamp })
  .meta({ id: 'Tenant' });

export const tenantPatchSchema = z.strictObject({ name: line(255) });

export const newTenantBodySchema = z.strictObject({
  name: line(255),
  /** Gets the link to set a password, and invites everybody else. */
  administrator: userBodySchema.omit({ role: true }),
});

export const newTenantSchema = invitationSchema.extend({ tenant: tenantSchema });

/** The exact name, so that nobody closes a tenant by mistake. */
export const closeTenantBodySchema = z.strictObject({ name: z.string().max(255) });

export type Tenant = z.infer<typeof tenantSchema>;
export type NewTenantBody = z.infer<typeof newTenantBodySchema>;
export type NewTenant = z.infer<typeof newTenantSchema>;
