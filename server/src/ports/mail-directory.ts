/** What domains publish about their mail. Types only. */
/** A mail server as a domain announces it. */
export interface AnnouncedServer {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  /** May hold placeholders like `%EMAILADDRESS%`. */
  readonly username: string;
  readonly logins: readonly ('password' | 'oauth2')[];
}

/**
 * What a domain says about its mail. A domain that says nothing, or not in time, is an empty list, never an error.
 * Domains are ASCII, lower case.
 */
export interface MailDirectory {
  /** Host names, the preferred one first. */
  mailExchangers(domain: string): Promise<readonly string[]>;
  /** SRV records (RFC 6186), the preferred one first. */
  imapServices(domain: string): Promise<readonly AnnouncedServer[]>;
  /** The file config-v1.1.xml of the domain. */
  autoconfig(domain: string, email: string, signal: AbortSignal): Promise<readonly AnnouncedServer[]>;
}
