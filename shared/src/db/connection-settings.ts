import type { ClientConfig } from 'pg';

/**
 * Connection settings from a PostgreSQL URL.
 *
 * `sslmode` `disable` or none: no TLS. `no-verify`: TLS without a check of the certificate. Every other mode: TLS with the full check of
 * certificate and host name, which is at least as strict as what was asked for (`prefer` never falls back to clear text).
 * `sslrootcert=<file>` names the authority to trust.
 * @throws TypeError when it is not a URL; the text does not repeat it.
 */
export function connectionSettings(
  databaseUrl: string,
  ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean },
): ClientConfig {
  if (!URL.canParse(databaseUrl)) throw new TypeError('the database URL is not a URL');
  const url = new URL(databaseUrl);
  const mode = url.searchParams.get('sslmode');
  if (ssl !== undefined) {
    for (const name of [...url.searchParams.keys()])
      if (name.startsWith('ssl')) url.searchParams.delete(name);
    return { connectionString: url.href, ssl };
  }
  if (mode !== null && mode !== 'disable' && mode !== 'no-verify')
    url.searchParams.set('sslmode', 'verify-full');
  return { connectionString: url.href };
}
