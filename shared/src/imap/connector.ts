/** From a provider to an authenticated connection: secrets, tokens, and one more try with a fresh token. */
import type { ImapProvider } from '../domain/provider.ts';
import { FaultError } from '../errors/fault-error.ts';
import { type ImapClientPorts, type ImapConnection, openImapClient } from './imap-client.ts';
import type { ImapCredentials, Revealable } from './imap-credentials.ts';

/** The SecretStore, as far as it is needed here. */
export interface PasswordSource {
  read(ref: {
    readonly tenant: ImapProvider['tenant'];
    readonly providerId: ImapProvider['id'];
    readonly name: 'imap_password';
  }): Promise<Revealable | null>;
}

/** The TokenService, as far as it is needed here. */
export interface TokenSource {
  /** @throws FaultError `OAUTH_REAUTHORIZE`, `OAUTH_CLIENT_REJECTED`, `OAUTH_UNAVAILABLE` */
  accessToken(provider: ImapProvider, options: { readonly forceRefresh?: boolean }): Promise<Revealable>;
}

export interface ImapClientConnector {
  /**
   * Resolves the address anew and logs in. Touches the network, the secret store and, with OAuth, the token endpoint.
   * @throws FaultError with a code of the catalogue
   */
  connect(provider: ImapProvider, signal: AbortSignal): Promise<ImapConnection>;
}

export interface ImapConnectorPorts extends ImapClientPorts {
  readonly secrets: PasswordSource;
  readonly tokens: TokenSource;
}

export function createImapConnector(ports: ImapConnectorPorts): ImapClientConnector {
  async function attempt(
    provider: ImapProvider,
    signal: AbortSignal,
    forceRefresh: boolean,
  ): Promise<ImapConnection> {
    return await openImapClient(
      provider.endpoint,
      await credentialsOf(provider, ports, forceRefresh),
      ports,
      signal,
    );
  }

  return {
    connect: async (provider, signal) => {
      try {
        return await attempt(provider, signal, false);
      } catch (error) {
        if (provider.auth.kind !== 'oauth2' || !isRefused(error)) throw error;
      }
      // A token can die before its time (revoked sessions, another client's refresh): one fresh one, then a person.
      try {
        return await attempt(provider, signal, true);
      } catch (error) {
        if (!isRefused(error)) throw error;
        throw new FaultError({ ...error.fault, code: 'OAUTH_REAUTHORIZE' }, error);
      }
    },
  };
}

function isRefused(error: unknown): error is FaultError {
  return error instanceof FaultError && error.fault.code === 'IMAP_AUTH_REJECTED';
}

async function credentialsOf(
  provider: ImapProvider,
  { secrets, tokens }: ImapConnectorPorts,
  forceRefresh: boolean,
): Promise<ImapCredentials> {
  const { username } = provider.auth;
  if (provider.auth.kind === 'oauth2') {
    return { kind: 'oauth2', username, accessToken: await tokens.accessToken(provider, { forceRefresh }) };
  }
  const password = await secrets.read({
    tenant: provider.tenant,
    providerId: provider.id,
    name: 'imap_password',
  });
  if (password === null) {
    throw new FaultError({
      kind: 'auth',
      code: 'IMAP_CREDENTIALS_MISSING',
      detail: 'no password is stored for this provider',
    });
  }
  return { kind: 'password', username, password };
}
