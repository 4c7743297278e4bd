/** A link with which somebody sets a password: good once, and for three days. */
import { randomBytes } from 'node:crypto';
import type { PasswordLink } from '../contracts/users.ts';
import type { StoredLink } from '../ports/accounts.ts';
import { sha256 } from './accounts.ts';

/** Long enough for an invitation that is read on Monday. */
const LINK_MS = 3 * 24 * 3600 * 1000;

/** @returns what the person gets, once, and what is kept of it */
export function createPasswordLink(now: Date): { readonly shown: PasswordLink; readonly stored: StoredLink } {
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(now.getTime() + LINK_MS);
  return {
    shown: { token, expiresAt: expiresAt.toISOString() },
    stored: { tokenHash: sha256(token), expiresAt },
  };
}
