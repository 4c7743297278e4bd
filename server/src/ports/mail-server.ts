/** The mail server of a mailbox, as far as a person tries it out. Types only. */
import type { ImapProvider } from '@mailstream/shared/domain/provider';
import type { SecretValue } from '@mailstream/shared/secrets/secret-value';
import type { TestResult } from '../contracts/provider-test.ts';

/** What a connection test logs in with. */
export type ProbeCredentials =
  | { readonly kind: 'password'; readonly password: string }
  /** The OAuth grant that is stored for this mailbox. */
  | { readonly kind: 'stored' }
  /** Of a login that was just made. */
  | { readonly kind: 'accessToken'; readonly accessToken: SecretValue }
  /** The application's own rights, without a user. */
  | { readonly kind: 'clientCredentials'; readonly clientSecret: string }
  /** There is a refresh token, but using it before it is stored could lose the one that replaces it. */
  | { readonly kind: 'untried' }
  | { readonly kind: 'none' };

export interface MailServer {
  /**
   * Whether the server may be connected to at all, and without encryption.
   * @throws FaultError EGRESS_FORBIDDEN, IMAP_DNS_NOT_FOUND
   */
  vet(host: string, port: number): Promise<{ readonly allowsPlainText: boolean }>;
  /**
   * Whether a web address may be connected to.
   * @throws FaultError EGRESS_FORBIDDEN, IMAP_DNS_NOT_FOUND
   */
  vetUrl(url: string): Promise<void>;
  /** Connects, logs in and lists folders, step by step; never rejects for what the mail server does. */
  probe(provider: ImapProvider, credentials: ProbeCredentials, signal: AbortSignal): Promise<TestResult>;
}
