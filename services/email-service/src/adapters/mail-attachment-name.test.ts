import { describe, expect, it } from 'vitest';
import { attachmentName } from './mail-attachment-name.ts';

const tools = { decodeWords: (text: string) => text, detectExtension: () => 'bin' };

function nameOf(filename: string | null, contentType = 'application/pdf', beginning = ''): string {
  return attachmentName({ filename, contentType, partId: '1.2', beginning: Buffer.from(beginning) }, tools);
}

describe('the name of an attachment', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\ada\\report.pdf', 'report.pdf'],
    ['a\r\nSet-Cookie: x', 'a Set-Cookie: x'],
    ['nul\0byte.pdf', 'nul byte.pdf'],
    ['invoice\u202Efdp.exe', 'invoice fdp.exe'],
    ['  padded  ', 'padded'],
    ['..', 'attachment-1.2.bin'],
    ['', 'attachment-1.2.bin'],
    [null, 'attachment-1.2.bin'],
  ])('of %j is %j', (filename, expected) => {
    expect(nameOf(filename)).toBe(expected);
  });

  it('is never longer than a file name may be', () => {
    expect(nameOf('x'.repeat(10_000)).length).toBeLessThanOrEqual(256);
  });

  it('of an embedded message is its subject', () => {
    expect(
      nameOf(null, 'message/rfc822', 'From: a@x\r\nSubject: Hello\r\n there/you\r\n\r\nSubject: not this'),
    ).toBe('you.eml');
    expect(nameOf(null, 'message/rfc822', 'From: a@x\r\nSubject: Hello there\r\n\r\n')).toBe(
      'Hello there.eml',
    );
    expect(nameOf(null, 'message/rfc822', 'no header')).toBe('message.eml');
    expect(nameOf('given.eml', 'message/rfc822', 'Subject: x\r\n\r\n')).toBe('given.eml');
  });
});
