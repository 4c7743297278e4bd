/** One connected mailbox ("provider") as every process sees it. No secret is ever part of it. */
import type { ProviderId, TenantId } from './ids.ts';

/** What the settings UI shows; `paused` is not a status but `pausedAt`. */
export type ProviderStatus = 'configuring' | 'connected' | 'disconnected' | 'error';

export type PauseReason = 'manual' | 'auth_failure' | 'tenant_cancelled';

/**
 * How the connection is protected.
 * `tls`: TLS from the first byte. `starttls`: required STARTTLS, never clear text. `plain`: only where an operator allowed the address.
 */
export type TransportSecurity = 'tls' | 'starttls' | 'plain';

export interface ImapEndpoint {
  readonly host: string;
  readonly port: number;
  readonly security: TransportSecurity;
  /** False only when an operator relaxed it for this one provider. */
  readonly verifyCertificate: boolean;
}

export type ImapAuth =
  | { readonly kind: 'password'; readonly username: string }
  | {
      readonly kind: 'oauth2';
      readonly username: string;
      readonly clientId: string;
      readonly authorizeUrl: string | null;
      readonly tokenUrl: string;
      readonly scopes: string;
    };

/** Where a folder starts at its first connect. `now` is the default: UIDNEXT-1 becomes the baseline. */
export type StartFrom =
  | { readonly kind: 'now' }
  | { readonly kind: 'last'; readonly count: number }
  /** INTERNALDATE on or after this day (RFC 9051 section 6.4.4, SEARCH SINCE), ISO date. */
  | { readonly kind: 'since'; readonly date: string };

export interface ImapProvider {
  readonly tenant: TenantId;
  readonly id: ProviderId;
  readonly name: string;
  readonly mailbox: string;
  readonly endpoint: ImapEndpoint;
  readonly auth: ImapAuth;
  /** Folder names in Unicode as the user chose them; empty means INBOX. */
  readonly folders: readonly string[];
  readonly startFrom: StartFrom;
  /** Grows with every change of settings or secrets; a listener with another version reconnects. */
  readonly configVersion: number;
}

/** Folders to watch, in order, without doubles. */
export function watchedFolders(provider: Pick<ImapProvider, 'folders'>): readonly string[] {
  const folders = provider.folders.length === 0 ? ['INBOX'] : provider.folders;
  // INBOX is case-insensitive (RFC 9051 section 5.1); every other name is as the server has it.
  return [...new Set(folders.map((f) => (f.toUpperCase() === 'INBOX' ? 'INBOX' : f)))];
}

/** Maps the two settings fields of the API and the database to one mode. */
export function transportSecurity(secure: boolean, allowStarttls: boolean): TransportSecurity {
  if (secure) return 'tls';
  return allowStarttls ? 'starttls' : 'plain';
}
