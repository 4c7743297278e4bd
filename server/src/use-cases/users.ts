/**
 * Letting people and programs in. Nobody gives more than he has: whoever makes or changes a user, or makes a token, has
 * all the rights of it. A tenant always keeps somebody who can let others in.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import type { NewToken, TokenBody } from '../contracts/tokens.ts';
import type { AccountUser, Invitation, PasswordLink, Role, UserBody, UserPatch } from '../contracts/users.ts';
import type { Actor, PasswordHasher } from '../ports.ts';
import type { ApiTokenStore, UserStore } from '../ports/accounts.ts';
import { ROLE_SCOPES, sha256 } from './accounts.ts';
import { createPasswordLink } from './password-link.ts';

export interface UserUseCases {
  /** @throws ApiError CONFLICT, FORBIDDEN */
  invite(actor: Actor, body: UserBody): Promise<Invitation>;
  /** @throws ApiError NOT_FOUND, FORBIDDEN, CONFLICT for the last administrator */
  change(actor: Actor, id: string, patch: UserPatch): Promise<AccountUser>;
  /** A new link; older ones end. @throws ApiError NOT_FOUND, FORBIDDEN, CONFLICT */
  link(actor: Actor, id: string): Promise<PasswordLink>;
  /** @throws ApiError CONFLICT when the link is unknown, used or expired */
  setPassword(token: string, password: string): Promise<Pick<Actor, 'tenant'>>;
  /** Ends all sessions but the one that asks. @throws ApiError VALIDATION_FAILED when the current one is wrong */
  changePassword(
    actor: Actor,
    sessionId: string | null,
    passwords: { readonly currentPassword: string; readonly password: string },
  ): Promise<void>;
  /** @throws ApiError FORBIDDEN for a scope that the maker lacks */
  createToken(actor: Actor, body: TokenBody): Promise<NewToken>;
}

export function createUserUseCases(ports: {
  readonly users: UserStore;
  readonly apiTokens: Pick<ApiTokenStore, 'create'>;
  readonly passwords: PasswordHasher;
  readonly now: () => Date;
}): UserUseCases {
  const { users, apiTokens, passwords, now } = ports;

  const newLink = (): ReturnType<typeof createPasswordLink> => createPasswordLink(now());

  return {
    async invite(actor, body) {
      refuseAbove(actor, body.role);
      const link = newLink();
      const result = await users.create(actor, randomUUID(), body, link.stored);
      if (result.kind === 'emailTaken')
        throw new ApiError('VALIDATION_FAILED', {
          fields: [
            { field: 'email', code: 'CONFLICT', message: 'Somebody with this address is here already.' },
          ],
        });
      if (result.kind !== 'changed') throw new ApiError('NOT_FOUND');
      return { user: result.user, link: link.shown };
    },

    async change(actor, id, patch) {
      const result = await users.change(actor, id, (current) => {
        refuseAbove(actor, current.role);
        if (patch.role !== undefined) refuseAbove(actor, patch.role);
        return patch;
      });
      if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
      if (result.kind !== 'changed')
        throw new ApiError('CONFLICT', {
          message: 'This is the last administrator.',
          hint: 'Make somebody else an administrator first.',
        });
      return result.user;
    },

    async link(actor, id) {
      const user = await users.get(actor.tenant, id);
      if (user === null) throw new ApiError('NOT_FOUND');
      refuseAbove(actor, user.role);
      if (user.state === 'disabled')
        throw new ApiError('CONFLICT', {
          message: 'This user is disabled.',
          hint: 'Enable the user first.',
        });
      const link = newLink();
      if ((await users.putLink(actor, id, link.stored)) === 'notFound') throw new ApiError('NOT_FOUND');
      return link.shown;
    },

    async setPassword(token, password) {
      // Hashed before the link is looked up: an unknown one takes as long.
      const hash = await passwords.hash(password);
      const found = await users.useLink(sha256(token), hash, now());
      if (found === null)
        throw new ApiError('CONFLICT', {
          message: 'This link is not valid any more.',
          hint: 'It works once and for three days. Ask an administrator for a new one.',
        });
      return found;
    },

    async changePassword(actor, sessionId, { currentPassword, password }) {
      if (actor.kind !== 'user') throw new ApiError('FORBIDDEN');
      const current = await users.passwordOf(actor.tenant, actor.id);
      if (!(await passwords.verify(current, currentPassword)))
        throw new ApiError('VALIDATION_FAILED', {
          fields: [
            { field: 'currentPassword', code: 'WRONG', message: 'This is not your current password.' },
          ],
        });
      await users.setPassword(actor, await passwords.hash(password), sessionId);
    },

    async createToken(actor, body) {
      const beyond = body.scopes.filter((scope) => !actor.scopes.has(scope));
      if (beyond.length > 0)
        throw new ApiError('FORBIDDEN', {
          message: 'A token can have no rights that you do not have yourself.',
          hint: 'Choose fewer rights.',
          fields: [
            { field: 'scopes', code: 'FORBIDDEN', message: `Not yours to give: ${beyond.join(', ')}.` },
          ],
        });
      if (body.expiresAt !== undefined && Date.parse(body.expiresAt) <= now().getTime())
        throw new ApiError('VALIDATION_FAILED', {
          fields: [{ field: 'expiresAt', code: 'OUT_OF_RANGE', message: 'This must be in the future.' }],
        });
      const secret = `mst_${randomBytes(32).toString('base64url')}`;
      return { token: await apiTokens.create(actor, randomUUID(), body, sha256(secret)), secret };
    },
  };
}

function refuseAbove(actor: Actor, role: Role): void {
  if (ROLE_SCOPES[role].every((scope) => actor.scopes.has(scope))) return;
  throw new ApiError('FORBIDDEN', {
    message: 'This role has rights that you do not have yourself.',
    hint: 'Ask somebody who has them.',
  });
}
