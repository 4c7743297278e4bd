/** What a login needs, and the check that nothing in it can break out of the login command. */
import { FaultError } from '../errors/fault-error.ts';

/** A `SecretValue`, seen from here. */
export interface Revealable {
  reveal(): string;
}

export type ImapCredentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: Revealable }
  | { readonly kind: 'oauth2'; readonly username: string; readonly accessToken: Revealable };

/** The clear text; to be kept in no field. */
export function revealed(credentials: ImapCredentials): string {
  return credentials.kind === 'password' ? credentials.password.reveal() : credentials.accessToken.reveal();
}

/**
 * Control characters separate the parts of SASL PLAIN (NUL), XOAUTH2 and OAUTHBEARER (0x01) and end a line; in none of
 * them are they escaped, so such a name could log in as someone else.
 * @throws FaultError `IMAP_AUTH_REJECTED`, `IMAP_CREDENTIALS_MISSING`
 */
export function checkCredentials(credentials: ImapCredentials): void {
  const secret = revealed(credentials);
  if (credentials.username === '' || secret === '') {
    throw new FaultError({
      kind: 'auth',
      code: 'IMAP_CREDENTIALS_MISSING',
      detail: 'user name or secret is empty',
    });
  }
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  if (/[\u0000-\u001f\u007f]/.test(credentials.username + secret)) {
    throw new FaultError({
      kind: 'auth',
      code: 'IMAP_AUTH_REJECTED',
      detail: 'user name or secret holds a control character',
    });
  }
}
