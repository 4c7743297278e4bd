import { describe, expect, it } from 'vitest';
import { anEmail } from '../../test/emails.ts';
import { readMail } from './incoming-mail.ts';

describe('readMail', () => {
  it('keeps subject, sender, both bodies and attachments', () => {
    const mail = readMail(
      anEmail({
        subject: 'Printer on fire',
        from: { email: 'Jane@Example.ORG', name: ' Jane\r\n Doe ' },
        body: { text: 'help', html: '<p>help</p>' },
        attachments: [
          {
            id: '2',
            name: 'a.pdf',
            contentType: 'application/pdf',
            size: 3,
            sha256: 'aa',
            storageKey: 'k',
            contentId: '<c>',
          },
        ],
      }),
    );
    expect(mail).toMatchObject({
      subject: 'Printer on fire',
      bodyText: 'help',
      bodyHtml: '<p>help</p>',
      sender: { email: 'jane@example.org', shown: 'Jane@Example.ORG', name: 'Jane Doe' },
    });
    expect(mail.attachments).toEqual([
      {
        name: 'a.pdf',
        contentType: 'application/pdf',
        size: 3,
        sha256: 'aa',
        storageKey: 'k',
        contentId: '<c>',
        isInline: false,
      },
    ]);
  });

  it('gives a message without subject a name and keeps one line of a long one', () => {
    expect(readMail(anEmail({ subject: '  ' })).subject).toBe('(no subject)');
    expect(readMail(anEmail({ subject: 'a\r\n b\tc' })).subject).toBe('a b c');
    expect(readMail(anEmail({ subject: 'x'.repeat(5000) })).subject).toHaveLength(998);
  });

  it('knows nobody by an address that is none or too long', () => {
    for (const email of ['', 'jane', 'a b@example.org', 'a@', '@b', `${'x'.repeat(400)}@example.org`])
      expect.soft(readMail(anEmail({ from: { email } })).sender).toMatchObject({ email: '', shown: email });
  });

  it('replaces NUL and lone surrogates, which PostgreSQL cannot store, everywhere', () => {
    const bad = 'a\u0000b\ud800';
    const mail = readMail(
      anEmail({
        id: `<${bad}>`,
        subject: bad,
        from: { email: bad, name: bad },
        body: { text: bad, html: bad },
        references: [bad],
        attachments: [
          { id: '1', name: bad, contentType: bad, size: 0, sha256: '', storageKey: '', contentId: bad },
        ],
      }),
    );
    expect(JSON.stringify(mail)).not.toMatch(/\\u0000|\\ud800/);
  });

  it('is of the conversation of the oldest message that it names', () => {
    expect(readMail(anEmail({ id: '<c>', inReplyTo: '<b>', references: ['<a>', '<b>'] })).rootId).toBe('<a>');
    expect(readMail(anEmail({ id: '<c>', inReplyTo: '<b>' })).rootId).toBe('<b>');
    expect(readMail(anEmail({ id: '<c>' })).rootId).toBe('<c>');
  });
});
