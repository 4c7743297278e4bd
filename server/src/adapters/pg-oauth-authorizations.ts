/** Logins with OAuth that are under way, in PostgreSQL. Verifiers, client secrets and tokens are sealed, bound to their row. */
import type { Knex } from 'knex';
import { z } from 'zod';
import type { Database } from '@mailstream/shared/db/database';
import { providerId, tenantId, type TenantId } from '@mailstream/shared/domain/ids';
import { isErrorCode } from '@mailstream/shared/errors/catalogue';
import type { SecretBox } from '@mailstream/shared/secrets/secret-box';
import { SecretValue } from '@mailstream/shared/secrets/secret-value';
import { auditLine } from './pg-audit-line.ts';
import type { Grant } from '../ports/oauth-grant.ts';
import type {
  AuthorizationRecord,
  AuthorizationStore,
  Departure,
  FoundAuthorization,
  GrantSettings,
} from '../ports/oauth.ts';

const TABLE = 'oauth_authorizations';
const FOUND_COLUMNS = [
  'tenant',
  'id',
  'state',
  'state_expires_at',
  'session_id',
  'browser_hash',
  'expires_at',
] as const;

interface FoundRow {
  readonly tenant: string;
  readonly id: string;
  readonly state: FoundAuthorization['state'];
  readonly state_expires_at: Date | null;
  readonly session_id: string | null;
  readonly browser_hash: Buffer | null;
  readonly expires_at: Date;
}

interface Row extends FoundRow {
  readonly email_provider_id: string | null;
  readonly is_applied: boolean;
  readonly created_by_type: 'user' | 'api_token';
  readonly created_by_id: string;
  readonly settings: GrantSettings;
  readonly return_to: AuthorizationRecord['returnTo'];
  readonly sealed: string | null;
  readonly account: string | null;
  readonly error_code: string | null;
}

export function createAuthorizationStore(options: {
  readonly database: Database;
  readonly box: SecretBox;
}): AuthorizationStore {
  const { database, box } = options;
  const find = (column: 'state_hash' | 'link_hash', hash: Uint8Array): Promise<FoundAuthorization | null> =>
    database.asAuth(async (trx) => {
      const row = await trx<FoundRow>(TABLE)
        .where({ [column]: Buffer.from(hash) })
        .first(...FOUND_COLUMNS);
      return row === undefined ? null : toFound(row);
    });

  return {
    open: (actor, authorization, linkHash) =>
      database.withTenant(actor.tenant, async (trx) => {
        const { tenant } = actor;
        await trx(TABLE).where({ tenant }).where('expires_at', '<', trx.fn.now()).delete();
        if (linkHash !== null)
          await trx(TABLE)
            .where({ tenant, email_provider_id: authorization.providerId, return_to: 'link' })
            .delete();
        await trx(TABLE).insert({
          tenant,
          id: authorization.id,
          state: 'waiting',
          email_provider_id: authorization.providerId,
          is_applied: authorization.isApplied,
          created_by_type: actor.kind,
          created_by_id: actor.id,
          link_hash: linkHash === null ? null : Buffer.from(linkHash),
          settings: JSON.stringify(authorization.settings),
          return_to: authorization.returnTo,
          expires_at: authorization.expiresAt,
        });
        // Whoever has the link can give the mailbox a login.
        if (linkHash !== null && authorization.providerId !== null)
          await auditLine(
            trx,
            actor,
            'provider.login_link',
            { type: 'email_provider', id: authorization.providerId },
            { before: null, after: { expiresAt: authorization.expiresAt.toISOString() } },
          );
      }),

    start: (tenant, id, { stateHash, stateExpiresAt, browser, departure }) =>
      database.withTenant(tenant, async (trx) => {
        await trx(TABLE)
          .where({ tenant, id })
          .update({
            state: 'started',
            state_hash: Buffer.from(stateHash),
            state_expires_at: stateExpiresAt,
            session_id: browser.kind === 'session' ? browser.sessionId : null,
            browser_hash: browser.kind === 'link' ? Buffer.from(browser.browserHash) : null,
            sealed: seal(box, { tenant, id }, departure),
            error_code: null,
          });
      }),

    byState: (hash) => find('state_hash', hash),
    byLink: (hash) => find('link_hash', hash),

    take: (tenant, id, stateHash) =>
      database.withTenant(tenant, async (trx) => {
        const [row] = await trx<Row>(TABLE)
          .where({ tenant, id, state: 'started' })
          .where('state_hash' as never, Buffer.from(stateHash))
          .update({ state: 'answered', state_hash: null } as never)
          .returning('*');
        if (row?.sealed === undefined || row.sealed === null) return null;
        return { record: toRecord(row), departure: openDeparture(box, row) };
      }),

    succeed: (tenant, id, { account, grant, expiresAt }) =>
      database.withTenant(tenant, async (trx) => {
        await trx(TABLE)
          .where({ tenant, id })
          .update({
            state: 'granted',
            account,
            link_hash: null,
            sealed: grant === null ? null : sealGrant(box, { tenant, id }, grant),
            expires_at: expiresAt,
          });
      }),

    fail: (tenant, id, code) =>
      database.withTenant(tenant, async (trx) => {
        await trx(TABLE)
          .where({ tenant, id })
          .update({
            state: trx.raw(`CASE WHEN return_to = 'link' THEN 'waiting' ELSE 'failed' END`),
            sealed: null,
            error_code: code,
          });
      }),

    get: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = await trx<Row>(TABLE).where({ tenant, id }).first();
        return row === undefined ? null : toRecord(row);
      }),

    pendingGrant: (tenant, id) =>
      database.withTenant(tenant, async (trx) => {
        const row = await trx<Row>(TABLE).where({ tenant, id, state: 'granted' }).first();
        return row === undefined || row.sealed === null ? null : openGrant(box, row);
      }),

    tenantName: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const row = await trx<{ tenant: string; name: string }>('tenants').where({ tenant }).first('name');
        return row?.name ?? '';
      }),
  };
}

/** Uses up a grant that waited for its settings to be saved. Part of `trx`; false where it was used or has expired. */
export async function useUpGrant(trx: Knex.Transaction, tenant: TenantId, id: string): Promise<boolean> {
  const count = await trx(TABLE).where({ tenant, id, state: 'granted', is_applied: false }).delete();
  return count === 1;
}

type Place = Pick<FoundRow, 'tenant' | 'id'>;

const departureSchema = z.object({
  codeVerifier: z.string(),
  nonce: z.string(),
  clientSecret: z.string().nullable(),
  redirectUri: z.string(),
});

const grantSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string().nullable(),
  lifetimeMs: z.number(),
  scope: z.string().nullable(),
  clientSecret: z.string().nullable(),
  account: z.string().nullable(),
  grantedAt: z.coerce.date(),
});

function seal(box: SecretBox, place: Place, departure: Departure): string {
  return sealJson(box, place, {
    codeVerifier: departure.codeVerifier.reveal(),
    nonce: departure.nonce,
    clientSecret: departure.clientSecret?.reveal() ?? null,
    redirectUri: departure.redirectUri,
  } satisfies z.infer<typeof departureSchema>);
}

function sealGrant(box: SecretBox, place: Place, grant: Grant): string {
  const { tokens } = grant;
  return sealJson(box, place, {
    accessToken: tokens.accessToken.reveal(),
    refreshToken: tokens.refreshToken?.reveal() ?? null,
    lifetimeMs: tokens.lifetimeMs,
    scope: tokens.scope,
    clientSecret: grant.clientSecret?.reveal() ?? null,
    account: grant.account,
    grantedAt: grant.grantedAt,
  });
}

function openDeparture(box: SecretBox, row: Row): Departure {
  const { codeVerifier, clientSecret, ...rest } = departureSchema.parse(openJson(box, row));
  return { ...rest, codeVerifier: new SecretValue(codeVerifier), clientSecret: secretOrNull(clientSecret) };
}

function openGrant(box: SecretBox, row: Row): Grant {
  const { accessToken, refreshToken, lifetimeMs, scope, clientSecret, account, grantedAt } =
    grantSchema.parse(openJson(box, row));
  return {
    tokens: {
      accessToken: new SecretValue(accessToken),
      refreshToken: secretOrNull(refreshToken),
      lifetimeMs,
      scope,
      idToken: null,
    },
    account,
    clientSecret: secretOrNull(clientSecret),
    grantedAt,
  };
}

function sealJson(box: SecretBox, place: Place, value: object): string {
  return box.seal(refOf(place), new SecretValue(JSON.stringify(value)));
}

function openJson(box: SecretBox, row: Row): unknown {
  return JSON.parse(box.open(refOf(row), row.sealed ?? '').reveal());
}

function refOf({ tenant, id }: Place) {
  return { tenant: tenantId(tenant), providerId: id, name: 'oauth_authorization' as const };
}

function secretOrNull(text: string | null): SecretValue | null {
  return text === null ? null : new SecretValue(text);
}

function toFound(row: FoundRow): FoundAuthorization {
  return {
    tenant: tenantId(row.tenant),
    id: row.id,
    state: row.state,
    stateExpiresAt: row.state_expires_at,
    sessionId: row.session_id,
    browserHash: row.browser_hash,
    expiresAt: row.expires_at,
  };
}

function toRecord(row: Row): AuthorizationRecord {
  const tenant = tenantId(row.tenant);
  return {
    id: row.id,
    providerId: row.email_provider_id === null ? null : providerId(row.email_provider_id),
    isApplied: row.is_applied,
    settings: row.settings,
    returnTo: row.return_to,
    expiresAt: row.expires_at,
    state: row.state,
    actor: { tenant, kind: row.created_by_type, id: row.created_by_id, scopes: new Set() },
    account: row.account,
    errorCode: row.error_code !== null && isErrorCode(row.error_code) ? row.error_code : null,
  };
}
