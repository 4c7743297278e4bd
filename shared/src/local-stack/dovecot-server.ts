/** Dovecot in the foreground as a child, with a configuration of its own: the machine's is not touched. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dovecotConfig, oauthConfig } from './dovecot-config.ts';
import { searchPath } from './find-program.ts';
import { chooseUser, ownFolder, type RunAs } from './run-as.ts';
import { selfSigned } from './self-signed.ts';
import { spawnServer, whenReady, type ServerProcess, type Spawn } from './server-process.ts';
import { answers } from './tcp-probe.ts';

const run = promisify(execFile);

export interface DovecotServer extends ServerProcess {
  readonly imapPort: number;
  /** Null where the machine could not make a certificate. */
  readonly imapsPort: number | null;
  readonly lmtpPort: number;
  readonly password: string;
  /** PEM of the certificate behind IMAPS and STARTTLS, for a client that shall trust it. */
  readonly certificateFile: string | null;
  /** Folder of all mailboxes: `<local part, lower case>/Maildir`. */
  readonly mailDir: string;
}

export interface DovecotOptions {
  /** Absolute path of `dovecot`. */
  readonly program: string;
  /** Mailboxes are in `mail/` below; kept over restarts. */
  readonly dataDir: string;
  readonly imapPort: number;
  readonly imapsPort: number;
  readonly lmtpPort: number;
  /** Of every user name. */
  readonly password: string;
  readonly logFile: string;
  readonly isDurable: boolean;
  /** Where to ask whether an OAuth token is good (RFC 7662), login included. */
  readonly introspectionUrl?: string;
  /** Default: `spawnServer`. */
  readonly spawn?: Spawn;
}

/** @throws with the log's last lines when it does not start. */
export async function startDovecot(options: DovecotOptions): Promise<DovecotServer> {
  const mailDir = join(options.dataDir, 'mail');
  const user = await chooseUser(options.dataDir, [join(options.dataDir, 'x')]);
  const baseDir = shortEnough(join(options.dataDir, 'run'), options.dataDir);
  for (const folder of [options.dataDir, mailDir]) await ownFolder(folder, user);
  // Dovecot opens this one to all by itself, with a warning.
  await ownFolder(baseDir, user, 0o755);
  const certificate = await selfSigned(options.dataDir);
  const configFile = join(options.dataDir, 'dovecot.conf');
  const { stdout: version } = await run(options.program, ['--version'], { env: { PATH: searchPath() } });
  const { introspectionUrl } = options;
  const oauthFile = join(options.dataDir, 'oauth2.conf');
  const text = dovecotConfig(version, {
    ...options,
    introspection: introspectionUrl === undefined ? null : { url: introspectionUrl, file: oauthFile },
    baseDir,
    mailDir,
    uid: user.uid,
    gid: user.gid,
    userName: user.userName,
    groupName: user.groupName,
    tls: certificate === null ? null : { port: options.imapsPort, ...certificate },
    openFiles: await openFilesLimit(),
  });
  // It holds the password.
  await writeFile(configFile, text, { mode: 0o600 });
  if (introspectionUrl !== undefined)
    await writeFile(oauthFile, oauthConfig(introspectionUrl), { mode: 0o600 });
  await give(user, [
    configFile,
    ...(introspectionUrl === undefined ? [] : [oauthFile]),
    ...(certificate === null ? [] : [certificate.certificateFile, certificate.keyFile]),
  ]);
  const [command, ...args] = [...user.prefix, options.program, '-F', '-c', configFile];
  const server = await (options.spawn ?? spawnServer)({
    name: 'Dovecot',
    command: command as string,
    args,
    cwd: options.dataDir,
    env: { PATH: searchPath(), LC_ALL: 'C' },
    identity: user.identity,
    logFile: options.logFile,
  });
  await whenReady(
    server,
    async () => (await answers(options.imapPort, /^\* OK /)) && (await answers(options.lmtpPort, /^220 /)),
  );
  return {
    ...server,
    imapPort: options.imapPort,
    imapsPort: certificate === null ? null : options.imapsPort,
    lmtpPort: options.lmtpPort,
    password: options.password,
    certificateFile: certificate?.certificateFile ?? null,
    mailDir,
  };
}

/** Dovecot's longest socket name adds about 30 bytes to the folder; a deep clone leaves no room for it. */
function shortEnough(wanted: string, dataDir: string): string {
  if (Buffer.byteLength(wanted) <= 75) return wanted;
  return join(tmpdir(), `mailstream-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
}

async function give(user: RunAs, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await chmod(file, 0o600);
    if (process.getuid?.() === 0) await chown(file, user.uid, user.gid);
  }
}

/** Hard limit of this process, to which Dovecot raises itself. */
async function openFilesLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1];
  // Where there is no /proc (macOS) the usual limit of a terminal.
  return hard === undefined ? 2_560 : Number(hard);
}
