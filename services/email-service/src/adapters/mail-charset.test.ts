import { describe, expect, it } from 'vitest';
import {
  decodeBinaryString,
  decodeUndeclared,
  isUndeclared,
  toUtf8BinaryString,
  withoutPartialCharacter,
} from './mail-charset.ts';

describe('text without a charset', () => {
  it('is UTF-8 where it can be', () => {
    expect(decodeUndeclared(Buffer.from('Grüße 😀'))).toBe('Grüße 😀');
  });

  it('is Windows-1252 where it cannot be UTF-8', () => {
    expect(decodeUndeclared(Buffer.from('Gr\xfc\xdfe \x80', 'latin1'))).toBe('Grüße €');
  });

  it('keeps a last byte that is no UTF-8', () => {
    expect(decodeUndeclared(Buffer.from('caf\xe9', 'latin1'))).toBe('café');
  });

  it('can be cut anywhere and stays UTF-8', () => {
    const bytes = Buffer.from('aé€😀');
    for (let length = 0; length <= bytes.length; length++) {
      const whole = withoutPartialCharacter(bytes.subarray(0, length));
      expect('aé€😀'.startsWith(decodeUndeclared(whole))).toBe(true);
      expect(length - whole.length).toBeLessThan(4);
    }
  });

  it('may be empty', () => {
    expect(decodeUndeclared(Buffer.alloc(0))).toBe('');
  });
});

describe('a header field as bytes', () => {
  it('is read like text without a charset', () => {
    expect(decodeBinaryString(Buffer.from('é').toString('latin1'))).toBe('é');
    expect(decodeBinaryString('\xe9')).toBe('é');
    expect(Buffer.from(toUtf8BinaryString('caf\xe9'), 'latin1').toString('utf8')).toBe('café');
  });
});

describe('a charset that says nothing', () => {
  it.each([null, '', 'us-ascii', 'UTF-8', 'utf8', 'unknown-8bit', '8bit'])('%j', (charset) => {
    expect(isUndeclared(charset)).toBe(true);
  });
  it.each(['iso-8859-1', 'windows-1252', 'iso-2022-jp', 'utf-16'])('is not %j', (charset) => {
    expect(isUndeclared(charset)).toBe(false);
  });
});
