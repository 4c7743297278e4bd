/** People who may log in, and how they get their password. */
import { z } from 'zod';
import { exactLine, line, timestamp } from './text.ts';
import { pageOf, pageQueryShape } from './paging.ts';

export const roleSchema = z.enum(['viewer', 'admin', 'operator']);

/** Long enough that guessing at the speed of our limits takes for ever. */
export const newPasswordSchema = exactLine(1024).refine(
  (value) => value.length >= 12,
  'At least 12 characters; several words are easy to remember.',
);

const email = line(320)
  .refine(
    (value) => /^[^\s@]+@[^\s@]+$/.test(value),
    'Enter one plain address, for example support@example.com.',
  )
  .toLowerCase();

export const userListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the address or the name. */
  search: line(255).optional(),
});

export const userBodySchema = z.strictObject({
  email,
  displayName: line(255),
  role: roleSchema,
});

export const userPatchSchema = z.strictObject({
  displayName: line(255).optional(),
  role: roleSchema.optional(),
  /** A disabled user is logged out everywhere and cannot log in. */
  isDisabled: z.boolean().optional(),
});

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    displayName: z.string(),
    role: roleSchema,
    /** `invited`: has no password yet. */
    state: z.enum(['active', 'invited', 'disabled']),
    /** Of the newest session that is still known. */
    lastSeenAt: timestamp.nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'User' });

export const userPageSchema = pageOf(userSchema);

/** Shown once: whoever has it can set the password, once, until it expires. */
export const passwordLinkSchema = z.object({ token: z.string(), expiresAt: timestamp });

export const invitationSchema = z.object({ user: userSchema, link: passwordLinkSchema });

/** With the token of a link. */
export const setPasswordBodySchema = z.strictObject({ token: exactLine(512), password: newPasswordSchema });

/** One's own, while logged in. */
export const changePasswordBodySchema = z.strictObject({
  currentPassword: exactLine(1024),
  password: newPasswordSchema,
});

export type AccountUser = z.infer<typeof userSchema>;
export type Role = z.infer<typeof roleSchema>;
export type UserBody = z.infer<typeof userBodySchema>;
export type UserPatch = z.infer<typeof userPatchSchema>;
export type UserListQuery = z.infer<typeof userListQuerySchema>;
export type PasswordLink = z.infer<typeof passwordLinkSchema>;
export type Invitation = z.infer<typeof invitationSchema>;
