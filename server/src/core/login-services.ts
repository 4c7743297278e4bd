/**
 * Login services whose addresses belong together. Who names a page of Google and a token address of his own would be sent the codes that
 * Google gives to its visitors (RFC 9700, section 4.4: mix-up); PKCE does not help there, since the verifier goes the same way.
 */
const SERVICES: readonly { readonly pages: readonly string[]; readonly tokens: readonly string[] }[] = [
  {
    pages: ['accounts.google.com'],
    tokens: ['oauth2.googleapis.com', 'accounts.google.com', 'www.googleapis.com'],
  },
  {
    pages: ['login.microsoftonline.com', 'login.microsoft.com', 'login.windows.net', 'login.live.com'],
    tokens: ['login.microsoftonline.com', 'login.microsoft.com', 'login.windows.net', 'login.live.com'],
  },
];

/** False where one of both is of a service that we know, and the other one is not. Services that we do not know may be anywhere. */
export function isOneLoginService(authorizeUrl: string | null, tokenUrl: string | null): boolean {
  const [page, tokens] = [hostOf(authorizeUrl), hostOf(tokenUrl)];
  if (page === null || tokens === null) return true;
  const known = SERVICES.filter((one) => one.pages.includes(page) || one.tokens.includes(tokens));
  return known.every((one) => one.pages.includes(page) && one.tokens.includes(tokens));
}

function hostOf(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  // A dot at the end names the same host.
  return new URL(url).hostname.replace(/\.$/, '');
}
