/** A password from the standard input: the whole of it from a pipe, asked for twice and not shown at a terminal. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { newPasswordSchema } from '../contracts/users.ts';

/** Longer input is no password; reading on would only fill memory. */
const MOST_BYTES = 8192;

/** What is wrong, in words. */
export class PasswordRefused extends Error {
  override readonly name = 'PasswordRefused';
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  /** For questions. */
  readonly output: NodeJS.WritableStream;
  readonly isInteractive: boolean;
}

/** @throws PasswordRefused */
export async function readPassword(terminal: Terminal): Promise<string> {
  const password = terminal.isInteractive ? await ask(terminal) : await readAll(terminal.input);
  const checked = newPasswordSchema.safeParse(password);
  if (!checked.success)
    throw new PasswordRefused(`The password is not good: ${checked.error.issues[0]?.message ?? ''}`);
  return checked.data;
}

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > MOST_BYTES)
      throw new PasswordRefused('The standard input holds more than a password: give it one line.');
  }
  // `echo` and files end with a line feed; blanks are part of a password.
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

async function ask({ input, output }: Terminal): Promise<string> {
  // With `terminal` every key is echoed to the output given here: into nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: nowhere, terminal: true });
  // Keeps what is typed before it is asked for.
  const lines = reader[Symbol.asyncIterator]();
  try {
    const question = async (text: string): Promise<string> => {
      output.write(text);
      const { value, done } = await lines.next();
      output.write('\n');
      if (done === true) throw new PasswordRefused('No password was given.');
      return value;
    };
    const password = await question('Password: ');
    if ((await question('Once more: ')) !== password)
      throw new PasswordRefused('The two are not the same. Nothing was changed.');
    return password;
  } finally {
    reader.close();
  }
}
