import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSendableAddress } from '@mailstream/shared/domain/mail-address';
import { answerSubject } from '@mailstream/shared/domain/ticket-subject';
import { findReplyReferences } from './reply-reference.ts';
import { acknowledgementText } from './acknowledgement.ts';
import { formMail, type OutgoingMail } from './outgoing-mail.ts';

const TOKEN = 'abcdefghijklmnopqrstuvwxyz';
const MAIL: OutgoingMail = {
  kind: 'agent_reply',
  recipient: 'jane@example.org',
  subject: 'Re: Printer [#7]',
  bodyText: 'Please try again.',
  bodyHtml: '<p>Please try again.</p>',
  messageId: '<ms.t-7.abcdefghijklmnop@example.com>',
  inReplyTo: '<a@example.org>',
  references: ['<a@example.org>'],
  replyToken: TOKEN,
};
const SENDER = { fromEmail: 'support@example.com', fromName: 'Support', plusAddressing: false };

describe('the form of a mail', () => {
  it('carries the token in Reply-To where the mailbox takes plus addresses, else in the bodies', () => {
    const plus = formMail(MAIL, { ...SENDER, plusAddressing: true });
    expect(plus?.replyTo).toBe(`support+${TOKEN}@example.com`);
    expect(`${plus?.text} ${plus?.html}`).not.toContain(TOKEN);
    const body = formMail(MAIL, SENDER);
    expect(body?.replyTo).toBeNull();
    expect(body?.text).toContain(`ms-ref:${TOKEN}`);
    expect(body?.html).toContain(`ms-ref:${TOKEN}`);
  });

  it('falls back to the body where the address would become too long', () => {
    const form = formMail(MAIL, {
      ...SENDER,
      fromEmail: `${'x'.repeat(50)}@example.com`,
      plusAddressing: true,
    });
    expect(form?.replyTo).toBeNull();
    expect(form?.text).toContain(TOKEN);
  });

  it.each([
    ['acknowledgement', 'auto-replied', ''],
    ['alert', 'auto-generated', ''],
    ['agent_reply', undefined, 'support@example.com'],
  ] as const)('says of %s what it is, and where failures go', (kind, submitted, returnPath) => {
    const form = formMail({ ...MAIL, kind }, SENDER);
    expect(form?.headers['Auto-Submitted']).toBe(submitted);
    expect(form?.returnPath).toBe(returnPath);
    expect(form?.headers['X-Loop']).toBe(kind === 'agent_reply' ? undefined : 'mailstream');
  });

  it('lets nothing that others wrote begin a line of the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (subject, id) => {
        const form = formMail(
          { ...MAIL, subject, inReplyTo: `<${id}>`, references: [`<${id}>`, id] },
          { ...SENDER, fromName: subject },
        );
        const values = [form?.subject, form?.from.name, form?.inReplyTo, ...(form?.references ?? [])];
        for (const value of values) expect(value ?? '').not.toMatch(/[\r\n\0]/);
      }),
    );
  });

  it.each([
    '',
    'a',
    'a@b\r\nRCPT TO:<c@d>',
    'a@b>',
    'a b@c',
    '"a"@b',
    '@b',
    'a@',
    'a@b@c',
    'a@-b',
    `${'a'.repeat(65)}@b`,
  ])('is none for the address %j', (recipient) => {
    expect(isSendableAddress(recipient)).toBe(false);
    expect(formMail({ ...MAIL, recipient }, SENDER)).toBeNull();
  });
});

describe('an acknowledgement', () => {
  it('reads no template in what a sender wrote', () => {
    const text = acknowledgementText('{{number}}:{{subject}}:{{name}}', {
      number: 7,
      subject: '{{name}} $& \r\nBcc: x@example.net',
      name: null,
    });
    expect(text).toBe('7:{{name}} $& Bcc: x@example.net:');
  });

  it('has one Re: and one tag in its subject, by which the answer is found', () => {
    const subject = answerSubject('RE: re: Printer [#3] broken', 12);
    expect(subject).toBe('Re: Printer broken [#12]');
    const email = { to: [], cc: [], bcc: [], headers: [], body: { text: '' }, references: [], id: '<x@y>' };
    expect(
      findReplyReferences({ ...email, subject } as unknown as Parameters<typeof findReplyReferences>[0])
        .ticketNumbers,
    ).toEqual([12]);
  });
});
