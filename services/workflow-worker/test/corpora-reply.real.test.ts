/**
 * The replies of the corpus beside the repository (`../shared/corpora/reply-trimmer`): each as expected there, but for those where we
 * mean something else. Of white space only what ends a line or the text is left out of the comparison.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { splitReply } from '../src/split-reply.ts';

const CORPUS = join(import.meta.dirname, '../../../../shared/corpora/reply-trimmer');
const names = existsSync(CORPUS) ? readdirSync(join(CORPUS, 'emails')).toSorted() : [];

/** Where we differ, each for its reason. */
const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  'forwarded_apple.txt': 'a forwarded message is what the sender wants us to see: it stays',
  'forwarded_gmail.txt': 'a forwarded message is what the sender wants us to see: it stays',
  'forwarded_message.txt': 'the head of a forwarded message says whose words it is: it stays',
  'spam_1.txt': 'nothing but quotes: an empty comment would tell less, so everything stays',
};

describe.skipIf(names.length === 0)('the replies of the corpus (../shared/corpora/reply-trimmer)', () => {
  it.each(names.filter((name) => KNOWN_DIFFERENCES[name] === undefined))(
    '%s is trimmed as expected',
    (name) => {
      expect(settled(trimmed(name))).toBe(settled(read('trimmed', name)));
    },
  );

  it.each(names.filter((name) => KNOWN_DIFFERENCES[name] !== undefined))('%s stays whole', (name) => {
    expect(settled(trimmed(name))).toBe(settled(read('emails', name)));
  });

  it('are as expected but for the few that are listed', () => {
    const differing = names.filter((name) => settled(trimmed(name)) !== settled(read('trimmed', name)));
    expect(differing).toEqual(Object.keys(KNOWN_DIFFERENCES));
    expect(names.length - differing.length).toBeGreaterThanOrEqual(58);
  });
});

function trimmed(name: string): string {
  return splitReply({ body: { text: read('emails', name) }, subject: '' }).text;
}

function read(folder: 'emails' | 'trimmed', name: string): string {
  return readFileSync(join(CORPUS, folder, name), 'utf8');
}

function settled(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
}
