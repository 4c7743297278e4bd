/** Writes the standard mailbox into a Maildir as if LMTP had delivered it: seconds instead of minutes. */
import { chown, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { standardMessages } from './standard-mailbox.ts';

const WRITES_AT_ONCE = 16;

/**
 * @param mailDir of the Dovecot server; its owner owns what is written
 * @param seed of its messages
 * @returns what IMAP will show
 */
export async function writeStandardMailbox(
  mailDir: string,
  user: string,
  count: number,
  seed: number,
): Promise<{ readonly messages: number; readonly bytes: number }> {
  const { uid, gid } = await stat(mailDir);
  const own = async (path: string): Promise<void> => {
    if (process.getuid?.() === 0) await chown(path, uid, gid);
  };
  const maildir = join(mailDir, user, 'Maildir');
  for (const folder of [
    join(mailDir, user),
    maildir,
    ...['cur', 'new', 'tmp'].map((each) => join(maildir, each)),
  ]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await own(folder);
  }
  let bytes = 0;
  let messages = 0;
  const writing = new Set<Promise<void>>();
  for (const message of standardMessages(count, seed)) {
    messages += 1;
    bytes += message.bytes;
    const seconds = Math.floor(message.date.getTime() / 1000);
    // S and W: the sizes on disk and on the wire, so that Dovecot need not read the file to tell them.
    const name = `${seconds}.M${messages}P1.bench,S=${message.raw.length},W=${message.bytes}:2,`;
    const path = join(maildir, 'cur', name);
    const work = writeFile(path, message.raw, { mode: 0o600 })
      .then(() => own(path))
      .then(() => utimes(path, seconds, seconds));
    writing.add(work);
    void work.finally(() => writing.delete(work)).catch(() => undefined);
    if (writing.size >= WRITES_AT_ONCE) await Promise.race(writing);
  }
  await Promise.all(writing);
  return { messages, bytes };
}
