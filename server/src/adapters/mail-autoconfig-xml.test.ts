import { describe, expect, it } from 'vitest';
import { readAutoconfigXml } from './mail-autoconfig-xml.ts';

const server = (inner: string, type = 'imap'): string =>
  `<incomingServer type="${type}">${inner}</incomingServer>`;
const fields = (more: Record<string, string> = {}): string =>
  Object.entries({ hostname: 'imap.example.com', port: '993', socketType: 'SSL', ...more })
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');
const file = (...servers: string[]): string =>
  `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.com">
     <domain>example.com</domain>${servers.join('')}
     <outgoingServer type="smtp"><hostname>smtp.example.com</hostname></outgoingServer>
   </emailProvider></clientConfig>`;

describe('config-v1.1.xml', () => {
  it('gives its IMAP servers in order, and no POP3 server', () => {
    const found = readAutoconfigXml(
      file(
        server(fields({ hostname: 'pop.example.com' }), 'pop3'),
        server(`${fields({ hostname: 'IMAP.Example.com' })}<username>%EMAILLOCALPART%</username>
          <authentication>OAuth2</authentication><authentication>password-cleartext</authentication>`),
        server(fields({ port: '143', socketType: 'STARTTLS' })),
      ),
    );
    expect(found).toEqual([
      {
        host: 'imap.example.com',
        port: 993,
        security: 'tls',
        username: '%EMAILLOCALPART%',
        logins: ['oauth2', 'password'],
      },
      {
        host: 'imap.example.com',
        port: 143,
        security: 'starttls',
        username: '%EMAILADDRESS%',
        logins: ['password'],
      },
    ]);
  });

  it.each([
    ['clear text', file(server(fields({ socketType: 'plain' })))],
    ['no port', file(server(fields({ port: '' })))],
    ['a port that is none', file(server(fields({ port: '70000' })))],
    ['a host that is a URL', file(server(fields({ hostname: 'https://imap.example.com/' })))],
    ['a host with a line break', file(server(fields({ hostname: 'imap.example.com&#10;x' })))],
    ['an address in brackets', file(server(fields({ hostname: '[::1]' })))],
    ['no XML', 'not xml at all <'],
    ['a page', '<html><body>Not found</body></html>'],
    ['nothing', ''],
    ['an open tag', '<clientConfig><emailProvider>'],
  ])('offers nothing for %s', (_what, text) => {
    expect(readAutoconfigXml(text)).toEqual([]);
  });

  it('refuses a document type, and with it every entity', () => {
    const entities =
      '<!DOCTYPE x [<!ENTITY h SYSTEM "file:///etc/hostname"><!ENTITY a "imap.evil.example">]>';
    expect(readAutoconfigXml(`${entities}${file(server(fields({ hostname: '&a;' })))}`)).toEqual([]);
    expect(readAutoconfigXml(`<!doctype x>${file(server(fields()))}`)).toEqual([]);
  });

  it('gives no object a prototype from the file', () => {
    const found = readAutoconfigXml(
      file(server(`${fields()}<__proto__><polluted>1</polluted></__proto__><constructor>x</constructor>`)),
    );
    expect(found.length).toBeLessThan(2);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('ends soon on a deep or wide file', () => {
    const deep = '<a>'.repeat(16_000);
    expect(readAutoconfigXml(deep)).toEqual([]);
    const wide = file(...Array.from({ length: 400 }, () => server(fields())));
    expect(readAutoconfigXml(wide)).toHaveLength(400);
  });
});
