/** What has to fit together before a grant is believed: issuer, scopes, account. Pure. */

/** Scopes that say nothing about the mailbox; providers answer them under other names or not at all. */
const OF_OPENID = new Set(['openid', 'email', 'profile', 'offline_access']);

/**
 * Whether the `iss` of an answer is the service that was asked (RFC 9207). Where nobody configured an issuer, it has to be at the
 * address that the browser was sent to.
 * @param issuer may hold `{tenantid}`, which stands for one path segment
 */
export function isExpectedIssuer(iss: string, issuer: string | null, authorizeUrl: string): boolean {
  if (issuer === null) return URL.canParse(iss) && new URL(iss).origin === new URL(authorizeUrl).origin;
  const [before, after] = issuer.split('{tenantid}');
  if (before === undefined || after === undefined) return iss === issuer;
  const middle = iss.slice(before.length, iss.length - after.length);
  return iss === `${before}${middle}${after}` && /^[\w-]+$/.test(middle);
}

/** Asked for and not given. A provider that does not say what it gave, gave all (RFC 6749 section 5.1). */
export function missingScopes(asked: string, given: string | null): readonly string[] {
  if (given === null) return [];
  const has = new Set(given.toLowerCase().split(/\s+/));
  return asked
    .split(/\s+/)
    .filter((scope) => scope !== '' && !OF_OPENID.has(scope) && !has.has(scope.toLowerCase()));
}

export type AccountMatch =
  /** The account has the mailbox's address. */
  | 'same'
  /** It has another one, and the settings do not say that the mailbox is shared. */
  | 'other'
  /** Only the mail server can tell. */
  | 'unknown';

/** @param addresses of the account, lower case; null or empty where the provider did not tell */
export function matchAccount(
  addresses: readonly string[] | null,
  mailbox: { readonly username: string; readonly isShared: boolean },
): AccountMatch {
  if (addresses === null || addresses.length === 0) return 'unknown';
  if (addresses.includes(mailbox.username.toLowerCase())) return 'same';
  return mailbox.isShared ? 'unknown' : 'other';
}
