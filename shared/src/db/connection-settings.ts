import type { ClientConfig } from 'pg';
import { readTlsFiles } from '../runtime/tls-files.ts';

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * Connection settings from a PostgreSQL URL.
 *
 * `sslmode` `disable` or none: no TLS. `no-verify`: TLS without a check of the certificate. Every other mode: TLS with the full check of
 * certificate and host name, which is at least as strict as what was asked for (`prefer` never falls back to clear text).
 * `sslrootcert=<file>` names the authority to trust; `sslcert` and `sslkey` are a certificate of our own and its key.
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

/** What is wrong with a PostgreSQL URL or the files it names, to be put behind the variable's name; null when nothing is. */
export function databaseUrlProblem(databaseUrl: string): string | null {
  if (!URL.canParse(databaseUrl))
    return 'must be a URL: in a password a # is written %23, a / is %2F, a ? is %3F';
  const { searchParams } = new URL(databaseUrl);
  const mode = searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode)) return `must have an sslmode of ${SSL_MODES.join(', ')}`;
  const [sslrootcert, sslcert, sslkey] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) =>
    searchParams.get(name),
  );
  if ((sslcert === null) !== (sslkey === null)) return 'must have sslcert and sslkey together, or neither';
  const files = readTlsFiles({
    sslrootcert: sslrootcert ?? null,
    sslcert: sslcert ?? null,
    sslkey: sslkey ?? null,
  });
  return files.kind === 'problem' ? files.text : null;
}
