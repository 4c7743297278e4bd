import { describe, expect, it } from 'vitest';
import type { AnnouncedServer, MailDirectory } from '../ports/mail-directory.ts';
import { createFindSettings } from './find-settings.ts';

const nothing: MailDirectory = {
  mailExchangers: () => Promise.resolve([]),
  imapServices: () => Promise.resolve([]),
  autoconfig: () => Promise.resolve([]),
};

const announced = (host: string, more: Partial<AnnouncedServer> = {}): AnnouncedServer => ({
  host,
  port: 993,
  security: 'tls',
  username: '%EMAILADDRESS%',
  logins: ['password'],
  ...more,
});

const find = (email: string, directory: Partial<MailDirectory> = {}) =>
  createFindSettings({ ...nothing, ...directory })(email, new AbortController().signal);

describe('settings from an address', () => {
  it.each([
    ['a@gmail.com', 'imap.gmail.com', 'a@gmail.com', ['oauth2', 'password']],
    ['a@contoso.onmicrosoft.com', 'outlook.office365.com', 'a@contoso.onmicrosoft.com', ['oauth2']],
    ['a@Hotmail.com', 'outlook.office365.com', 'a@Hotmail.com', ['oauth2']],
    ['a@yahoo.es', 'imap.mail.yahoo.com', 'a@yahoo.es', ['password']],
    ['jo.doe@icloud.com', 'imap.mail.me.com', 'jo.doe', ['password']],
    ['a@fastmail.com', 'imap.fastmail.com', 'a@fastmail.com', ['password']],
    ['a@zoho.eu', 'imap.zoho.eu', 'a@zoho.eu', ['password']],
    ['a@gmx.de', 'imap.gmx.net', 'a@gmx.de', ['password']],
  ])('%s is a service that we know', async (email, host, username, logins) => {
    const found = await find(email, {
      // A known service asks nobody.
      mailExchangers: () => Promise.reject(new Error('asked')),
    });
    expect(found).toMatchObject({
      source: 'preset',
      settings: { host, port: 993, secure: true, allowStarttls: false, username, logins },
      hintText: expect.stringMatching(/\w/) as string,
    });
    expect(found.oauth !== null).toBe(logins[0] === 'oauth2');
  });

  it.each([
    [['aspmx.l.google.com.'], 'Gmail', 'imap.gmail.com'],
    [['contoso-com.mail.protection.outlook.com'], 'Microsoft 365', 'outlook.office365.com'],
    [['contoso.olc.protection.outlook.com'], 'Outlook.com', 'outlook.office365.com'],
    [['mx.zoho.eu'], 'Zoho Mail', 'imappro.zoho.eu'],
    [['in1-smtp.messagingengine.com'], 'Fastmail', 'imap.fastmail.com'],
  ])('mail for the domain goes to %s', async (exchangers, name, host) => {
    const found = await find('support@example.com', {
      mailExchangers: () => Promise.resolve(exchangers),
      // What a web host publishes for every domain does not win over where the mail goes.
      autoconfig: () => Promise.resolve([announced('mail.webhost.example')]),
    });
    expect(found).toMatchObject({ source: 'mx', service: { name }, settings: { host } });
  });

  it('takes no exchanger for Google that only contains its name', async () => {
    const found = await find('a@example.com', {
      mailExchangers: () => Promise.resolve(['google.com.evil.example', 'notgoogle.com']),
    });
    expect(found.source).toBe('none');
  });

  it('fills in what the file leaves open, and warns to look at the server', async () => {
    const found = await find('jo$&doe@example.com', {
      autoconfig: () =>
        Promise.resolve([
          announced('imap.example.com', {
            security: 'starttls',
            port: 143,
            username: '%EMAILLOCALPART%+%EMAILDOMAIN%',
          }),
        ]),
      imapServices: () => Promise.resolve([announced('other.example.com')]),
    });
    expect(found).toMatchObject({
      source: 'autoconfig',
      settings: {
        host: 'imap.example.com',
        port: 143,
        secure: false,
        allowStarttls: true,
        username: 'jo$&doe+example.com',
      },
      hint: 'check_server',
    });
  });

  it('knows how to log in where DNS names a server of a known service', async () => {
    const found = await find('a@example.com', {
      imapServices: () => Promise.resolve([announced('imap.gmail.com')]),
    });
    expect(found).toMatchObject({ source: 'srv', service: { id: 'gmail' } });
    expect(found.oauth?.issuer).toBe('https://accounts.google.com');
  });

  it('asks for a domain in its ASCII form', async () => {
    const asked: string[] = [];
    await find('a@Bücher.example', {
      mailExchangers: (domain) => {
        asked.push(domain);
        return Promise.resolve([]);
      },
    });
    expect(asked).toEqual(['xn--bcher-kva.example']);
  });
});
