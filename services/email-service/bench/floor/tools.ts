/** Programs of others that copy a mailbox to a Maildir: mbsync (isync) and getmail, where the machine has them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '@mailstream/shared/local-stack/find-program';

const run = promisify(execFile);

export interface ToolAccount {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface Tool {
  readonly name: string;
  /** @returns messages in a second. @throws when it did not copy that many */
  measure(account: ToolAccount, messages: number, within: string): Promise<number>;
}

const PATIENCE_MS = 600_000;

/** Those that are installed. */
export async function installedTools(names: readonly ('mbsync' | 'getmail')[]): Promise<readonly Tool[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const program = await findProgram(name);
      return program === null ? [] : [tool(name, program)];
    }),
  );
  return found.flat();
}

function tool(name: 'mbsync' | 'getmail', program: string): Tool {
  return {
    name,
    measure: async (account, messages, within) => {
      const folder = await mkdtemp(join(within, `${name}-`));
      const maildir = join(folder, 'INBOX');
      const file = join(folder, 'config');
      try {
        for (const part of ['cur', 'new', 'tmp']) await mkdir(join(maildir, part), { recursive: true });
        const text = name === 'mbsync' ? mbsyncConfig(account, folder) : getmailConfig(account, maildir);
        await writeFile(file, text, { mode: 0o600 });
        const args =
          name === 'mbsync' ? ['-c', file, 'bench'] : [`--getmaildir=${folder}`, `--rcfile=${file}`];
        const begunMs = performance.now();
        await run(program, args, { timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 });
        const seconds = (performance.now() - begunMs) / 1000;
        const copied =
          (await readdir(join(maildir, 'new'))).length + (await readdir(join(maildir, 'cur'))).length;
        if (copied < messages) throw new Error(`${name} copied ${copied} of ${messages} messages`);
        return messages / seconds;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function mbsyncConfig({ host, port, user, password }: ToolAccount, folder: string): string {
  return `IMAPStore far
Host ${host}
Port ${port}
User ${user}
Pass ${password}
SSLType None
AuthMechs LOGIN

MaildirStore near
Path ${folder}/
Inbox ${folder}/INBOX

Channel bench
Far :far:
Near :near:
Sync Pull New
SyncState *
`;
}

function getmailConfig({ host, port, user, password }: ToolAccount, maildir: string): string {
  return `[retriever]
type = SimpleIMAPRetriever
server = ${host}
port = ${port}
username = ${user}
password = ${password}
mailboxes = ("INBOX",)

[destination]
type = Maildir
path = ${maildir}/

[options]
read_all = true
delete = false
verbose = 0
`;
}
