/** The rules behind the provider routes: validate, check the address, then change everything in one transaction. */
import type { ProviderId } from '@mailstream/shared/domain/ids';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { ApiError, fieldError } from '../api-error.ts';
import type { FieldError } from '../contracts/errors.ts';
import type { ProviderBody, ProviderPatch } from '../contracts/provider-settings.ts';
import type { Provider } from '../contracts/providers.ts';
import { grantedSecrets, type FindGrant } from './oauth-grants.ts';
import type {
  Actor,
  ChangeResult,
  ProviderChange,
  ProviderRecord,
  ProviderSettings,
  ProviderStore,
} from '../ports.ts';
import type { MailServer } from '../ports/mail-server.ts';
import {
  changedFields,
  clashes,
  patched,
  planChange,
  secretsOf,
  securityOf,
  settingsOf,
  statusAfter,
} from './provider-rules.ts';

export interface ProviderUseCases {
  create(actor: Actor, body: ProviderBody): Promise<Provider>;
  replace(actor: Actor, id: ProviderId, body: ProviderBody): Promise<Provider>;
  update(actor: Actor, id: ProviderId, patch: ProviderPatch): Promise<Provider>;
  delete(actor: Actor, id: ProviderId): Promise<void>;
  pause(actor: Actor, id: ProviderId): Promise<Provider>;
  resume(actor: Actor, id: ProviderId): Promise<Provider>;
  /** Asks the daemon to connect anew at once. */
  reconnect(actor: Actor, id: ProviderId): Promise<Provider>;
}

export function createProviderUseCases(ports: {
  readonly providers: ProviderStore;
  readonly mailServer: MailServer;
  readonly newId: () => ProviderId;
  readonly findGrant: FindGrant;
}): ProviderUseCases {
  const { providers, mailServer, newId, findGrant } = ports;

  async function create(actor: Actor, body: ProviderBody): Promise<Provider> {
    const settings = settingsOf(body);
    refuseClashes(clashes(settings, secretsOf(body.imap), true));
    refuseRelaxedCertificate(actor, settings, null);
    const grant = await findGrant(actor, body.imap.oauthAuthorizationId, { provider: null, settings });
    const entered = { ...secretsOf(body.imap), ...grantedSecrets(grant) };
    await checkServer(mailServer, settings);
    return providerOf(
      await providers.create(actor, newId(), {
        action: 'provider.created',
        settings,
        status: statusAfter(settings, new Set(), entered),
        pause: 'keep',
        secretsToWrite: entered,
        secretsToRemove: [],
        grant,
        bumpsConfig: false,
        bumpsPoke: false,
      }),
    );
  }

  /** `nextOf` is asked twice: for the checks that take time, and again for the row under its lock. */
  async function edit(
    actor: Actor,
    id: ProviderId,
    nextOf: (current: ProviderRecord) => ProviderSettings,
    imap: NonNullable<ProviderPatch['imap']>,
  ): Promise<Provider> {
    const before = await providers.record(actor.tenant, id);
    if (before === null) throw new ApiError('NOT_FOUND');
    const checked = nextOf(before);
    refuseClashes(clashes(checked, secretsOf(imap), false));
    refuseRelaxedCertificate(actor, checked, before.settings);
    const grant = await findGrant(actor, imap.oauthAuthorizationId, { provider: id, settings: checked });
    const entered = { ...secretsOf(imap), ...grantedSecrets(grant) };
    if (serverChanged(before.settings, checked)) await checkServer(mailServer, checked);
    return providerOf(
      await providers.change(
        actor,
        id,
        (current) => {
          const next = nextOf(current);
          if (changedFields(checked, next).length > 0)
            throw new ApiError('CONFLICT', {
              message: 'Somebody else changed this mailbox at the same moment.',
              hint: 'Look at the new settings and try again.',
            });
          return planChange(current, next, entered, grant);
        },
        { replacesSecrets: Object.keys(entered).length > 0 },
      ),
    );
  }

  const poke = (action: string, pause: ProviderChange['pause']) => {
    return async (actor: Actor, id: ProviderId): Promise<Provider> =>
      providerOf(await providers.change(actor, id, (current) => planPoke(current, action, pause)));
  };

  return {
    create,
    replace: (actor, id, body) => edit(actor, id, () => settingsOf(body), body.imap),
    update: (actor, id, patch) =>
      edit(actor, id, ({ settings }) => patched(settings, patch), patch.imap ?? {}),
    async delete(actor, id) {
      if ((await providers.delete(actor, id)) === 'notFound') throw new ApiError('NOT_FOUND');
    },
    pause: poke('provider.paused', 'pause'),
    resume: poke('provider.resumed', 'resume'),
    reconnect: poke('provider.reconnected', 'keep'),
  };
}

function planPoke(
  current: ProviderRecord,
  action: string,
  pause: ProviderChange['pause'],
): ProviderChange | null {
  // Pausing twice is no news; a pause for another reason becomes one that only a person ends.
  if (pause === 'pause' && current.pauseReason === 'manual') return null;
  if (pause === 'resume' && current.pauseReason === null) return null;
  return {
    action,
    settings: current.settings,
    status: pause === 'resume' ? statusAfter(current.settings, current.secrets, {}) : null,
    pause,
    secretsToWrite: {},
    secretsToRemove: [],
    grant: null,
    bumpsConfig: false,
    bumpsPoke: pause !== 'pause',
  };
}

function providerOf(result: ChangeResult): Provider {
  if (result.kind === 'changed') return result.provider;
  if (result.kind === 'notFound') throw new ApiError('NOT_FOUND');
  throw new ApiError('MAILBOX_EXISTS', { fields: [fieldError('mailbox', 'MAILBOX_EXISTS')] });
}

function refuseClashes(fields: readonly FieldError[]): void {
  if (fields.length > 0) throw new ApiError('VALIDATION_FAILED', { fields });
}

/** Only an operator may relax the check; what an operator relaxed stays so through other changes. */
export function refuseRelaxedCertificate(
  actor: Actor,
  next: ProviderSettings,
  before: ProviderSettings | null,
): void {
  const alreadyGranted =
    before !== null && !before.verifyCertificate && before.host === next.host && before.port === next.port;
  if (next.verifyCertificate || alreadyGranted || actor.scopes.has('operator')) return;
  throw new ApiError('FORBIDDEN', {
    message: 'Only an operator may switch off the check of the mail server’s certificate.',
    fields: [
      {
        field: 'imap.verifyCertificate',
        code: 'FORBIDDEN',
        message: 'Only an operator may switch this off.',
      },
    ],
  });
}

function serverChanged(before: ProviderSettings, after: ProviderSettings): boolean {
  return (
    before.host !== after.host ||
    before.port !== after.port ||
    securityOf(before) !== securityOf(after) ||
    before.oauthTokenUrl !== after.oauthTokenUrl
  );
}

/**
 * Refuses an address that may not be connected to, and clear text where no operator allowed it. A name that cannot be found
 * just now is no reason to refuse settings with encryption: the daemon says so, and tries again.
 * @throws ApiError EGRESS_FORBIDDEN, TLS_PLAIN_FORBIDDEN, IMAP_DNS_NOT_FOUND, each with its field
 */
export async function checkServer(
  mailServer: Pick<MailServer, 'vet' | 'vetUrl'>,
  settings: ProviderSettings,
): Promise<void> {
  await checkTokenUrl(mailServer, settings.oauthTokenUrl);
  const isPlain = securityOf(settings) === 'plain';
  const vetted = await mailServer.vet(settings.host, settings.port).catch((error: unknown) => {
    const code = error instanceof FaultError ? error.fault.code : null;
    if (code === 'IMAP_DNS_NOT_FOUND' && !isPlain) return { allowsPlainText: false };
    if (code === 'EGRESS_FORBIDDEN' || code === 'IMAP_DNS_NOT_FOUND')
      throw new ApiError(code, { fields: [fieldError('imap.host', code)], cause: error });
    throw error;
  });
  if (isPlain && !vetted.allowsPlainText)
    throw new ApiError('TLS_PLAIN_FORBIDDEN', { fields: [fieldError('imap.secure', 'TLS_PLAIN_FORBIDDEN')] });
}

/** Secrets will be sent there. A name that cannot be found just now may be found when it is needed. */
async function checkTokenUrl(mailServer: Pick<MailServer, 'vetUrl'>, url: string | null): Promise<void> {
  if (url === null) return;
  await mailServer.vetUrl(url).catch((error: unknown) => {
    const code = error instanceof FaultError ? error.fault.code : null;
    if (code === 'IMAP_DNS_NOT_FOUND') return;
    if (code === 'EGRESS_FORBIDDEN')
      throw new ApiError(code, { fields: [fieldError('imap.oauthTokenUrl', code)], cause: error });
    throw error;
  });
}
