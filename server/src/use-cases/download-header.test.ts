import { describe, expect, it } from 'vitest';
import { attachmentDisposition, downloadHeaders } from './download-header.ts';

describe('attachmentDisposition', () => {
  it('gives the name in ASCII and in UTF-8', () => {
    expect(attachmentDisposition('Übersicht (1).pdf')).toBe(
      `attachment; filename="_bersicht (1).pdf"; filename*=UTF-8''%C3%9Cbersicht%20%281%29.pdf`,
    );
  });

  it.each([
    'a\r\nSet-Cookie: x=1',
    '../../etc/passwd',
    'invoice\u202efdp.exe',
    'a"; filename=evil.exe; x="',
    '\u0000',
    '...',
    'x'.repeat(10_000),
    '\ud800',
    '%0d%0aX: y',
  ])('lets nothing of a hostile name through: %j', (name) => {
    const header = attachmentDisposition(name);
    expect(header).toMatch(
      /^attachment; filename="[ -!#-[\]-~]{1,150}"; filename\*=UTF-8''[A-Za-z0-9%._~-]{1,1800}$/,
    );
    expect(header).not.toMatch(/\.\.\/|%0D|%0A|%2F|%E2%80%AE/i);
  });
});

describe('downloadHeaders', () => {
  it('declares nothing but harmless images', () => {
    for (const type of [
      'text/html',
      'image/svg+xml',
      'application/xhtml+xml',
      'text/xml',
      'application/pdf',
      'x',
    ])
      expect(downloadHeaders('a', type)['content-type']).toBe('application/octet-stream');
    expect(downloadHeaders('a', 'Image/PNG')).toMatchObject({
      'content-type': 'image/png',
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
  });
});
