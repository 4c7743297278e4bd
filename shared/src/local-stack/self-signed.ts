/** A certificate for localhost that nobody trusts, made by the machine's `openssl`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './find-program.ts';

const run = promisify(execFile);

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Kept in `folder`; null where the machine has no openssl, for Node cannot make certificates by itself. */
export async function selfSigned(folder: string): Promise<Certificate | null> {
  const made = { certificateFile: join(folder, 'localhost.crt'), keyFile: join(folder, 'localhost.key') };
  if (existsSync(made.certificateFile) && existsSync(made.keyFile)) return made;
  const openssl = await findProgram('openssl');
  if (openssl === null) return null;
  await run(openssl, [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=localhost'.split(
      ' ',
    ),
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', made.keyFile, '-out', made.certificateFile],
  ]);
  await chmod(made.keyFile, 0o600);
  return made;
}
