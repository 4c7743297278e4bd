import { describe, expect, test } from 'vitest';
import { toFault } from '../errors/fault-error.ts';
import { checkedFolderName, matchFolder } from './folder-names.ts';

describe('folder names', () => {
  test.each(['Sent', 'a "quoted" \\ name', 'Größe/日本', '100% *', '../../etc', 'x{3}', '🙂'])(
    '%j is a name',
    (name) => {
      expect(checkedFolderName(name)).toBe(name);
    },
  );

  test.each(['', 'a\r\nb', 'a\nb', 'a\u0000', 'a\u007f', 'a\tb', '\udc00', 'x'.repeat(1_001)])(
    '%j is none',
    (name) => {
      try {
        checkedFolderName(name);
        expect.fail('it was taken');
      } catch (error) {
        expect(toFault(error)).toMatchObject({ kind: 'folderGone', code: 'IMAP_FOLDER_MISSING' });
      }
    },
  );

  test.each([
    ['the exact name first', 'work', ['Work', 'work'], '', 'work'],
    ['the only one in another case', 'WORK', ['Work', 'Play'], '', 'Work'],
    ['none of two', 'WORK', ['Work', 'work'], '', null],
    ['none', 'Work', ['Play'], '', null],
    ['the one behind the prefix', 'sent', ['INBOX', 'INBOX.Sent'], 'INBOX.', 'INBOX.Sent'],
    ['another normal form', 'Cafe\u0301', ['Caf\u00e9'], '', 'Caf\u00e9'],
  ] as const)('a name means %s', (_what, wanted, listed, prefix, expected) => {
    expect(matchFolder(wanted, listed, prefix)).toBe(expected);
  });
});
