/**
 * SASL initial responses that carry an OAuth access token, before base64. Both throw TypeError when a part holds a
 * character that would end it early: with one, a user name could add fields of its own.
 */

/** Separates the fields of both mechanisms (RFC 7628 section 3.1: kvsep). */
const SEPARATOR = '\u0001';
/** No control characters at all: 0x01 ends a field, NUL, CR and LF end lines of the protocol. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;
/** RFC 6750 section 2.1: b64token. */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * What to answer to the server's error challenge, base64 of one 0x01 (RFC 7628 section 3.2.3). The server says NO only after
 * it; a client that waits for the NO waits for ever.
 */
export const OAUTH_ERROR_REPLY = 'AQ==';

/** XOAUTH2 of Google and Microsoft: `user=<user>^Aauth=Bearer <token>^A^A`. */
export function xoauth2Response(credentials: { readonly username: string; readonly token: string }): string {
  const user = checked('user name', credentials.username);
  return `user=${user}${SEPARATOR}auth=Bearer ${bearer(credentials.token)}${SEPARATOR}${SEPARATOR}`;
}

/** OAUTHBEARER (RFC 7628 section 3.1): `n,a=<user>,^Ahost=<host>^Aport=<port>^Aauth=Bearer <token>^A^A`. */
export function oauthBearerResponse(credentials: {
  readonly username: string;
  readonly token: string;
  readonly host: string;
  readonly port: number;
}): string {
  const { username, token, host, port } = credentials;
  const fields = [
    `n,a=${saslName(checked('user name', username))},`,
    `host=${checked('host', host)}`,
    `port=${port}`,
    `auth=Bearer ${bearer(token)}`,
  ];
  return `${fields.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`;
}

/** RFC 5801 section 4: saslname. */
function saslName(text: string): string {
  return text.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function checked(what: string, text: string): string {
  if (text === '' || CONTROL.test(text)) throw new TypeError(`${what} is empty or holds a control character`);
  return text;
}

function bearer(token: string): string {
  if (!BEARER_TOKEN.test(token)) throw new TypeError('access token is not a bearer token');
  return token;
}
