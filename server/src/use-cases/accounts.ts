/**
 * Who is asking. API tokens and session tokens are random strings of which only the SHA-256 is stored: a copy of the
 * database opens no door. A session lives `sessionTtlMs` beyond its last use and never longer than `MAX_SESSION_MS`.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import { SCOPES, type LoginBody, type Me, type Scope } from '../contracts/session.ts';
import type { AccountStore, Actor, ApiToken, PasswordHasher, User } from '../ports.ts';

const MAX_SESSION_MS = 30 * 24 * 3600 * 1000;
/** Uses closer together than this are not written down: one write a minute for each busy caller. */
const TOUCH_EVERY_MS = 60_000;
/** A token is looked up as it is; longer ones are not even hashed. */
const MAX_TOKEN_LENGTH = 512;

export const ROLE_SCOPES: Record<User['role'], readonly Scope[]> = {
  viewer: ['providers:read', 'messages:read', 'tickets:read'],
  admin: [
    'providers:read',
    'providers:write',
    'messages:read',
    'messages:write',
    'tickets:read',
    'tickets:write',
    'accounts:read',
    'accounts:write',
  ],
  operator: SCOPES,
};

export interface OpenedSession {
  readonly actor: Actor;
  /** For the cookie; never stored or logged. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** An actor that a session cookie named; `renewedUntil` when the cookie's end has moved. */
export interface SessionActor {
  readonly actor: Actor;
  readonly sessionId: string;
  readonly renewedUntil: Date | null;
}

export interface AccountUseCases {
  /** Null for a token that is unknown, revoked or expired: which of them stays hidden. */
  byApiToken(token: string): Promise<Actor | null>;
  bySession(token: string): Promise<SessionActor | null>;
  /** @throws ApiError LOGIN_FAILED, or CONFLICT where the address and password fit accounts in several tenants */
  login(body: LoginBody): Promise<OpenedSession>;
  logout(actor: Actor, sessionId: string): Promise<void>;
  /** Whether this session or token is still good for the same rights. Does not count as a use of it. */
  isStillIn(actor: Actor, sessionId: string | null): Promise<boolean>;
  me(actor: Actor): Promise<Me>;
}

export function createAccountUseCases(ports: {
  readonly accounts: AccountStore;
  readonly passwords: PasswordHasher;
  readonly sessionTtlMs: number;
  readonly now: () => Date;
}): AccountUseCases {
  const { accounts, passwords, sessionTtlMs, now } = ports;

  return {
    async byApiToken(token) {
      if (token.length === 0 || token.length > MAX_TOKEN_LENGTH) return null;
      const hash = sha256(token);
      const found = await accounts.apiToken(hash);
      const at = now();
      if (found === null || !sameHash(found.tokenHash, hash)) return null;
      if (!isGood(found, at)) return null;
      if (found.lastUsedAt === null || at.getTime() - found.lastUsedAt.getTime() > TOUCH_EVERY_MS)
        await accounts.touchApiToken(found.tenant, found.id, at);
      return {
        tenant: found.tenant,
        kind: 'api_token',
        id: found.id,
        scopes: new Set(SCOPES.filter((scope) => found.scopes.includes(scope))),
      };
    },

    async bySession(token) {
      if (token.length === 0 || token.length > MAX_TOKEN_LENGTH) return null;
      const hash = sha256(token);
      const found = await accounts.session(hash);
      const at = now();
      if (found === null || !sameHash(found.tokenHash, hash)) return null;
      if (found.expiresAt <= at || found.user.disabledAt !== null) return null;
      const end = Math.min(at.getTime() + sessionTtlMs, found.createdAt.getTime() + MAX_SESSION_MS);
      const isStale = at.getTime() - found.lastUsedAt.getTime() > TOUCH_EVERY_MS;
      const renewedUntil = isStale ? new Date(end) : null;
      if (renewedUntil !== null) await accounts.touchSession(found.tenant, found.id, at, renewedUntil);
      return { actor: userActor(found.user), sessionId: found.id, renewedUntil };
    },

    async login(body) {
      const users = (await accounts.usersByEmail(body.email)).filter(
        (user) => user.disabledAt === null && (body.tenantId === undefined || user.tenant === body.tenantId),
      );
      const matching: User[] = [];
      for (const user of users)
        if (await passwords.verify(user.passwordHash, body.password)) matching.push(user);
      // An unknown address takes as long as a wrong password.
      if (users.length === 0) await passwords.verify(null, body.password);
      const [user, second] = matching;
      if (user === undefined) throw new ApiError('LOGIN_FAILED');
      if (second !== undefined)
        throw new ApiError('CONFLICT', {
          message: 'This address has accounts in several tenants.',
          hint: 'Send `tenantId` to say which one is meant.',
        });
      const token = randomBytes(32).toString('base64url');
      const at = now();
      const expiresAt = new Date(at.getTime() + sessionTtlMs);
      await accounts.openSession(user, { id: randomUUID(), tokenHash: sha256(token), at, expiresAt });
      return { actor: userActor(user), token, expiresAt };
    },

    logout: (actor, sessionId) => accounts.endSession(actor.tenant, sessionId),

    async isStillIn(actor, sessionId) {
      const at = now();
      if (actor.kind === 'user') {
        if (sessionId === null) return false;
        const found = await accounts.sessionById(actor.tenant, sessionId);
        if (found === null || found.expiresAt <= at || found.user.disabledAt !== null) return false;
        return sameScopes(userActor(found.user), actor);
      }
      const found = await accounts.apiTokenById(actor.tenant, actor.id);
      return found !== null && isGood(found, at);
    },

    async me(actor) {
      const found = await accounts.describe(actor);
      if (found === null) throw new ApiError('UNAUTHENTICATED');
      return {
        kind: actor.kind,
        id: actor.id,
        name: found.name,
        email: found.email,
        tenant: { id: actor.tenant, name: found.tenantName },
        scopes: [...actor.scopes],
      };
    },
  };
}

function userActor(user: User): Actor {
  return { tenant: user.tenant, kind: 'user', id: user.id, scopes: new Set(ROLE_SCOPES[user.role]) };
}

function sameScopes(one: Actor, other: Actor): boolean {
  return one.scopes.size === other.scopes.size && [...one.scopes].every((scope) => other.scopes.has(scope));
}

function isGood({ revokedAt, expiresAt }: ApiToken, at: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > at);
}

export function sha256(token: string): Uint8Array {
  return createHash('sha256').update(token, 'utf8').digest();
}

function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
