import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMailHead } from './mail-head.ts';

const read = (text: string): ReturnType<typeof readMailHead> => readMailHead(Buffer.from(text, 'utf8'));

describe('the header block', () => {
  it.each(['\r\n', '\n'])('ends at the first empty line, and folded fields are one (%j)', (end) => {
    const { headers } = read(['A: 1', 'B: 2', '\t3', '', 'C: 4'].join(end));
    expect(headers).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '2\t3' },
    ]);
  });

  it('names recipients by address, however they are called', () => {
    const { to, cc, bcc } = read(
      'To: "a@fake.example, b" <real@x.example>, plain@x.example (c@fake.example)\nCc: Team: one@x.example, two@x.example;\nto: =?utf-8?q?J?= <j@x.example>\nBcc:\n',
    );
    expect(to).toEqual(['real@x.example', 'plain@x.example', 'j@x.example']);
    expect(cc).toEqual(['one@x.example', 'two@x.example']);
    expect(bcc).toEqual([]);
  });

  it('may have bytes that are no UTF-8', () => {
    expect(readMailHead(Buffer.from('X: M\xfcller\n\n', 'latin1')).headers[0]?.value).toBe('Müller');
  });

  it('is read whatever is in it, and a hostile one as quickly as another', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void readMailHead(bytes)));
    for (const part of ['"', '"\\', '(', '@', 'a@', ':', '<', 'a ', '\n '])
      read(`To: ${part.repeat(65_536 / part.length)}`);
  });
});
