/** Certificates and keys that a URL names as files, read at start: a wrong one is a wrong setting, not a server that is away. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** In the names of PostgreSQL's parameters. Null: not given. */
export interface TlsFiles {
  readonly sslrootcert: string | null;
  readonly sslcert: string | null;
  readonly sslkey: string | null;
}

/** PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export type TlsMaterialResult =
  | { readonly kind: 'ok'; readonly material: TlsMaterial }
  /** What is wrong, to be put behind the variable's name; names the parameter and neither path nor content. */
  | { readonly kind: 'problem'; readonly text: string };

export function readTlsFiles({ sslrootcert, sslcert, sslkey }: TlsFiles): TlsMaterialResult {
  const problem = (text: string): TlsMaterialResult => ({ kind: 'problem', text });
  const [ca, cert, key] = [read(sslrootcert), read(sslcert), read(sslkey)];
  if (ca === null) return problem('has sslrootcert with a file that cannot be read');
  if (cert === null) return problem('has sslcert with a file that cannot be read');
  if (key === null) return problem('has sslkey with a file that cannot be read');
  if (ca !== undefined && certificateIn(ca) === null)
    return problem('has sslrootcert with a file that is no certificate in PEM');
  const own = cert === undefined ? null : certificateIn(cert);
  if (cert !== undefined && own === null)
    return problem('has sslcert with a file that is no certificate in PEM');
  if (key !== undefined && !isKeyOf(key, own))
    return problem('has sslkey with a file that is not the key (PEM, no passphrase) of sslcert');
  return {
    kind: 'ok',
    material: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** Undefined when there is none to read, null when it cannot be read. */
function read(path: string | null): string | null | undefined {
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function isKeyOf(pem: string, certificate: X509Certificate | null): boolean {
  try {
    const key = createPrivateKey(pem);
    return certificate === null || certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}
