/**
 * GreenMail, a second IMAP server to be right with: it counts, names and encodes differently from Dovecot. A Java program, got
 * through Maven once and kept beside the packages; where Java or Maven is missing, tests with it are skipped by name:
 *
 *     const greenmail = await useGreenmail();
 *     describe.skipIf(greenmail === null)('with GreenMail', () => …
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll } from 'vitest';
import { findProgram, searchPath } from '../local-stack/find-program.ts';
import { freePort } from '../local-stack/ports.ts';
import { runLogged } from '../local-stack/run-logged.ts';
import { spawnServer, whenReady } from '../local-stack/server-process.ts';
import { answers } from '../local-stack/tcp-probe.ts';

/** The tag of the Docker image in local-stack/obtain.ts and docker-compose.dev.yml is the same version. */
export const GREENMAIL_VERSION = '2.1.5';
const ARTIFACT = `com.icegreen:greenmail-standalone:${GREENMAIL_VERSION}`;
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
const ROOT = dirname(dirname(dirname(import.meta.dirname)));
const CACHE = join(ROOT, 'node_modules', '.cache', 'mailstream');

export interface TestGreenmail {
  readonly host: string;
  readonly imapPort: number;
  /** Plain SMTP: `deliver({ protocol: 'smtp', … })`. */
  readonly smtpPort: number;
  /** Of every user. */
  readonly password: string;
  /** An address that nobody has used yet; it is the user name as well. The mailbox is made by the first login or mail. */
  newUser(): string;
}

export interface GreenmailSetup {
  /** Java's `-D` options that say what GreenMail serves, on these ports. */
  readonly options: (ports: { readonly imap: number; readonly smtp: number }) => readonly string[];
  /** User and password of one whom the options make: GreenMail listens first and makes its users then. */
  readonly waitForLogin?: string;
}

const ANY_LOGIN: GreenmailSetup = {
  options: ({ imap, smtp }) => [
    ...['imap', 'smtp'].map((protocol) => `-Dgreenmail.${protocol}.hostname=127.0.0.1`),
    `-Dgreenmail.imap.port=${imap}`,
    `-Dgreenmail.smtp.port=${smtp}`,
    '-Dgreenmail.auth.disabled',
  ],
};

/** A GreenMail of this file's own; null without Java or Maven. @throws when it is there and cannot be got or started. */
export async function useGreenmail(setup = ANY_LOGIN): Promise<TestGreenmail | null> {
  const java = await findProgram('java');
  const maven = await findProgram('mvn');
  const jar = join(CACHE, `greenmail-standalone-${GREENMAIL_VERSION}.jar`);
  if (java === null || (maven === null && !existsSync(jar))) return null;
  if (!existsSync(jar)) await download(maven as string, jar);
  const folder = await mkdtemp(join(tmpdir(), 'msg-'));
  const [imapPort, smtpPort] = [await freePort(), await freePort()];
  const server = await spawnServer({
    name: 'GreenMail',
    command: java,
    // Each listener has two seconds to begin otherwise; making the key of its TLS takes longer on a busy machine, and all is given up.
    args: [
      '-Xmx768m',
      '-Dgreenmail.startup.timeout=60000',
      ...setup.options({ imap: imapPort, smtp: smtpPort }),
      '-jar',
      jar,
    ],
    cwd: folder,
    env: { PATH: searchPath() },
    logFile: join(folder, 'greenmail.log'),
  });
  const atExit = (): void => void server.kill();
  process.once('exit', atExit);
  afterAll(async () => {
    process.off('exit', atExit);
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await whenReady(
    server,
    async () => (await isServing(imapPort, setup)) && (await answers(smtpPort, /^220 /)),
    60_000,
  );
  return {
    host: '127.0.0.1',
    imapPort,
    smtpPort,
    password: 'any',
    newUser: () => `u${randomBytes(6).toString('hex')}@greenmail.example`,
  };
}

function isServing(imapPort: number, { waitForLogin: login }: GreenmailSetup): Promise<boolean> {
  return login === undefined
    ? answers(imapPort, /^\* OK /)
    : answers(imapPort, /^a OK /m, `a LOGIN ${login}\r\n`);
}

/** Two files at once may both get it: the last rename wins, with the same bytes. */
async function download(maven: string, jar: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'greenmail-'));
  try {
    const goal = ['-q', '-B', COPY, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${folder}`];
    await runLogged(maven, goal, join(folder, 'maven.log'), {});
    await rename(join(folder, `greenmail-standalone-${GREENMAIL_VERSION}.jar`), jar);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
