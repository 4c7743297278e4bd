import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { readPassword } from './read-password.ts';

const GOOD = 'correct horse battery';

describe('a password from a pipe', () => {
  const piped = (...chunks: string[]): Promise<string> =>
    readPassword({ input: Readable.from(chunks), output: new PassThrough(), isInteractive: false });

  test('is all of the input but the end of its line', async () => {
    expect(await piped(`${GOOD}\n`)).toBe(GOOD);
    expect(await piped(' correct ', 'horse ', 'battery \r\n')).toBe(' correct horse battery ');
  });

  test.each([
    ['too short', 'short\n', 'At least 12 characters'],
    ['empty', '', 'The password is not good'],
    ['two lines', `${GOOD}\n${GOOD}\n`, 'one line without control characters'],
    ['much too long', 'x'.repeat(10_000), 'more than a password'],
  ])('that is %s is refused', async (_what, input, says) => {
    await expect(piped(input)).rejects.toThrow(says);
  });
});

describe('a password at a terminal', () => {
  /** Types the next line once it is asked for. */
  async function typed(...lines: string[]): Promise<{ answer: Promise<string>; shown: Promise<string> }> {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const copy = output.pipe(new PassThrough());
    output.on('data', (chunk: Buffer) => {
      if (!String(chunk).endsWith(': ')) return;
      const next = lines.shift();
      if (next === undefined) input.end();
      else input.write(`${next}\n`);
    });
    const answer = readPassword({ input, output, isInteractive: true }).finally(() => output.end());
    answer.catch(() => undefined);
    return { answer, shown: text(copy) };
  }

  test('is asked for twice and not shown', async () => {
    const { answer, shown } = await typed(GOOD, GOOD);
    expect(await answer).toBe(GOOD);
    expect(await shown).toBe('Password: \nOnce more: \n');
  });

  test('that is typed in two ways is refused', async () => {
    await expect((await typed(GOOD, `${GOOD}!`)).answer).rejects.toThrow('not the same');
  });

  test('that never comes is refused', async () => {
    await expect((await typed(GOOD)).answer).rejects.toThrow('No password was given');
  });
});
