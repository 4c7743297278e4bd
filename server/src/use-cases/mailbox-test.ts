/** Trying a connection out: before anything is saved, or for a stored mailbox with some settings changed. */
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import type { ProviderId, TenantId } from '@mailstream/shared/domain/ids';
import { isErrorCode } from '@mailstream/shared/errors/catalogue';
import { ApiError } from '../api-error.ts';
import type { MailFolder, TestBody, TestResult } from '../contracts/provider-test.ts';
import type { ImapPatch } from '../contracts/provider-settings.ts';
import type { Actor, EnteredSecret, ProviderRecord, ProviderSettings, ProviderStore } from '../ports.ts';
import type { MailServer, ProbeCredentials } from '../ports/mail-server.ts';
import {
  clashes,
  hasLogin,
  isApplicationLogin,
  patched,
  secretsOf,
  secretsToRemove,
  securityOf,
  settingsOf,
} from './provider-rules.ts';
import type { FindGrant } from './oauth-grants.ts';
import { checkServer, refuseRelaxedCertificate } from './providers.ts';

export interface MailboxTestUseCases {
  test(actor: Actor, body: TestBody, signal: AbortSignal): Promise<TestResult>;
  testStored(actor: Actor, id: ProviderId, patch: ImapPatch, signal: AbortSignal): Promise<TestResult>;
  folders(actor: Actor, id: ProviderId, signal: AbortSignal): Promise<readonly MailFolder[]>;
  /** Of settings that are not saved yet. */
  newFolders(actor: Actor, body: TestBody, signal: AbortSignal): Promise<readonly MailFolder[]>;
}

export function createMailboxTestUseCases(ports: {
  readonly providers: Pick<ProviderStore, 'record' | 'readSecret'>;
  readonly mailServer: MailServer;
  readonly newId: () => ProviderId;
  readonly findGrant: FindGrant;
}): MailboxTestUseCases {
  const { providers, mailServer, newId, findGrant } = ports;

  async function test(actor: Actor, body: TestBody, signal: AbortSignal): Promise<TestResult> {
    const settings = settingsOf({ ...body, providerName: 'test', mailbox: 'test', isActive: true });
    const entered = secretsOf(body.imap);
    await refuse(actor, settings, entered, null);
    const login = { provider: null, settings };
    const granted = await grantedCredentials(actor, body.imap.oauthAuthorizationId, login);
    return mailServer.probe(
      imapProvider(actor.tenant, newId(), settings),
      granted ?? enteredCredentials(settings, entered),
      signal,
    );
  }

  async function testStored(
    actor: Actor,
    id: ProviderId,
    patch: ImapPatch,
    signal: AbortSignal,
  ): Promise<TestResult> {
    const current = await providers.record(actor.tenant, id);
    if (current === null) throw new ApiError('NOT_FOUND');
    const settings = patched(current.settings, { imap: patch });
    const entered = secretsOf(patch);
    await refuse(actor, settings, entered, current);
    const login = { provider: id, settings };
    const granted = await grantedCredentials(actor, patch.oauthAuthorizationId, login);
    const credentials = granted ?? (await storedCredentials(actor, id, current, settings, entered));
    return mailServer.probe(imapProvider(actor.tenant, id, settings), credentials, signal);
  }

  /** Of a login that was just made, where the request names one. */
  async function grantedCredentials(...login: Parameters<FindGrant>): Promise<ProbeCredentials | null> {
    const found = await findGrant(...login);
    return found === null ? null : { kind: 'accessToken', accessToken: found.grant.tokens.accessToken };
  }

  async function refuse(
    actor: Actor,
    settings: ProviderSettings,
    entered: Partial<Record<EnteredSecret, string>>,
    current: ProviderRecord | null,
  ): Promise<void> {
    const fields = clashes(settings, entered, current === null);
    if (fields.length > 0) throw new ApiError('VALIDATION_FAILED', { fields });
    refuseRelaxedCertificate(actor, settings, current?.settings ?? null);
    // Encrypted connections need no check here: the probe's first step says what is wrong with the address.
    if (securityOf(settings) === 'plain') await checkServer(mailServer, settings);
  }

  /** A stored secret is used only for the account it was entered for, here as much as in a change. */
  async function storedCredentials(
    actor: Actor,
    id: ProviderId,
    current: ProviderRecord,
    settings: ProviderSettings,
    entered: Partial<Record<EnteredSecret, string>>,
  ): Promise<ProbeCredentials> {
    const lost = secretsToRemove(current, settings, entered);
    const stored = (name: EnteredSecret): Promise<string | null> =>
      current.secrets.has(name) && !lost.includes(name)
        ? providers.readSecret(actor.tenant, id, name)
        : Promise.resolve(null);
    if (settings.authType === 'password') {
      const password = entered.imap_password ?? (await stored('imap_password'));
      return password === null ? { kind: 'none' } : { kind: 'password', password };
    }
    const isStored = hasLogin(settings, new Set([...current.secrets].filter((name) => !lost.includes(name))));
    if (Object.keys(entered).length === 0) return isStored ? { kind: 'stored' } : { kind: 'none' };
    const clientSecret = entered.imap_oauth_client_secret ?? (await stored('imap_oauth_client_secret'));
    return oauthCredentials(settings, entered, clientSecret);
  }

  return {
    test,
    testStored,
    async folders(actor, id, signal) {
      return foldersOf(await testStored(actor, id, {}, signal));
    },
    async newFolders(actor, body, signal) {
      return foldersOf(await test(actor, body, signal));
    },
  };
}

/** Also where a folder of the settings is missing: that is what the list is looked at for. */
function foldersOf(result: TestResult): readonly MailFolder[] {
  const failed = result.steps.find((step) => step.outcome === 'failed');
  if (failed === undefined || failed.code === 'IMAP_FOLDER_MISSING') return result.folders;
  const code = failed.code ?? '';
  throw new ApiError(isErrorCode(code) ? code : 'IMAP_UNREACHABLE');
}

function enteredCredentials(
  settings: ProviderSettings,
  entered: Partial<Record<EnteredSecret, string>>,
): ProbeCredentials {
  if (settings.authType === 'oauth2')
    return oauthCredentials(settings, entered, entered.imap_oauth_client_secret ?? null);
  return entered.imap_password === undefined
    ? { kind: 'none' }
    : { kind: 'password', password: entered.imap_password };
}

function oauthCredentials(
  settings: ProviderSettings,
  entered: Partial<Record<EnteredSecret, string>>,
  clientSecret: string | null,
): ProbeCredentials {
  if (entered.imap_refresh_token !== undefined) return { kind: 'untried' };
  return isApplicationLogin(settings) && clientSecret !== null
    ? { kind: 'clientCredentials', clientSecret }
    : { kind: 'none' };
}

/** The settings as the daemon would read them. */
export function imapProvider(tenant: TenantId, id: ProviderId, settings: ProviderSettings): ImapProvider {
  return {
    tenant,
    id,
    name: settings.providerName,
    mailbox: settings.mailbox,
    endpoint: {
      host: settings.host,
      port: settings.port,
      security: securityOf(settings),
      verifyCertificate: settings.verifyCertificate,
    },
    auth:
      settings.authType === 'password'
        ? { kind: 'password', username: settings.username }
        : {
            kind: 'oauth2',
            username: settings.username,
            clientId: settings.oauthClientId ?? '',
            authorizeUrl: settings.oauthAuthorizeUrl,
            tokenUrl: settings.oauthTokenUrl ?? '',
            scopes: settings.oauthScopes ?? '',
          },
    folders: settings.folderFilters,
    startFrom: settings.startFrom,
    configVersion: 0,
  };
}
