import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EmailData } from '@mailstream/shared/events/email-received-schema';
import { anEmail } from '../../test/emails.ts';
import { classifyMail, mayReopen, mayTriggerAnswer, type MailOrigin } from './automated-mail.ts';

const OWN = { addresses: ['Support@Acme.example', 'sales@acme.example'] };

type Fields = readonly (readonly [name: string, value: string])[];

function origin(fields: Fields, change: Partial<EmailData> = {}): MailOrigin {
  const headers = fields.map(([name, value]) => ({ name, value }));
  return classifyMail(anEmail({ ...change, headers }), OWN);
}

describe('header fields tell who wrote', () => {
  it.each<readonly [kind: MailOrigin['kind'], ...field: [string, string]]>([
    ['autoReply', 'Auto-Submitted', 'auto-replied'],
    ['autoReply', 'Auto-Submitted', '(really) auto-replied; owner-email="x@y"'],
    ['notification', 'Auto-Submitted', 'auto-generated'],
    ['notification', 'auto-submitted', 'Auto-Notified'],
    ['autoReply', 'X-Autoreply', 'yes'],
    ['autoReply', 'X-Autorespond', ''],
    ['autoReply', 'Precedence', 'auto_reply'],
    ['autoReply', 'Return-Path', ' < > '],
    ['autoReply', 'X-Delivery-Agent', 'TMDA/1.0.3'],
    ['bulk', 'Precedence', 'bulk'],
    ['bulk', 'PRECEDENCE', 'Junk'],
    ['bulk', 'List-Unsubscribe', '<https://x.example/u>'],
    ['list', 'Precedence', 'list'],
    ['list', 'List-Id', 'Users <users.x.example>'],
    ['list', 'List-Post', '<mailto:users@x.example>'],
    ['notification', 'Content-Type', 'multipart/report; report-type=disposition-notification; boundary=b'],
    ['notification', 'Content-Type', 'multipart/report; boundary=b; report-type="feedback-report"'],
    ['bounce', 'Content-Type', 'multipart/report;\tboundary="b"; Report-Type=delivery-status'],
    ['bounce', 'X-Failed-Recipients', 'gone@x.example'],
    ['ownLoop', 'X-Loop', 'mailstream'],
    ['ownLoop', 'X-Mailstream-Mail', 'acknowledgement'],
    ['ownLoop', 'Sender', 'Desk <support@acme.example>'],
    ['human', 'Auto-Submitted', 'no'],
    ['human', 'Auto-Submitted', ''],
    ['human', 'Precedence', 'first-class'],
    ['human', 'X-Loop', 'debian-bugs'],
    ['human', 'Return-Path', '<jane@example.org>'],
    ['human', 'Content-Type', 'multipart/report; report-type=other'],
    ['human', 'X-Autoreply', 'no'],
    ['human', 'Content-Type', 'text/calendar; method=REQUEST'],
  ])('%s: %s: %s', (kind, name, value) => {
    const found = origin([[name, value]]);
    expect(found.kind).toBe(kind);
    expect(mayReopen(found)).toBe(kind === 'human');
    expect(mayTriggerAnswer(found)).toBe(kind === 'human');
  });

  it('and a person who asks for no automatic answer may still reopen a ticket', () => {
    for (const field of [
      ['X-Auto-Response-Suppress', 'DR, OOF, AutoReply'],
      ['Feedback-ID', '1.eu.x:AmazonSES'],
    ] as const) {
      const found = origin([field]);
      expect(found).toEqual({ kind: 'human', wantsNoAnswer: true });
      expect([mayReopen(found), mayTriggerAnswer(found)]).toEqual([true, false]);
    }
    expect(mayTriggerAnswer(origin([['X-Auto-Response-Suppress', 'RN, NRN']]))).toBe(true);
  });

  it('a group that delivers into an own mailbox is no list', () => {
    const post = [
      ['List-Post', '<https://x>, <mailto:support@acme.example>'],
      ['Precedence', 'list'],
    ] as const;
    expect(origin(post).kind).toBe('human');
    expect(origin([['List-ID', '<sales.acme.example>']]).kind).toBe('human');
    expect(
      origin([
        ['List-ID', '<sales.acme.example>'],
        ['Auto-Submitted', 'auto-replied'],
      ]).kind,
    ).toBe('autoReply');
  });
});

describe('own mail that comes back', () => {
  it.each([
    ['by its Message-ID', { id: '<ms.42.abcdefghijklmnop@acme.example>' }],
    ['by the mailbox that it is from', { from: { email: 'sales@ACME.example' } }],
    ['by an address of the mailbox with a plus', { from: { email: 'support+abc@acme.example' } }],
  ])('is known %s', (_, change) => {
    expect(origin([], change).kind).toBe('ownLoop');
  });

  it('is not what answers it', () => {
    expect(origin([], { inReplyTo: '<ms.42.abcdefghijklmnop@acme.example>' }).kind).toBe('human');
  });

  it('is a report where it could not be delivered, even with our marks in it', () => {
    const report = origin([
      ['Content-Type', 'multipart/report; report-type=delivery-status'],
      ['X-Loop', 'mailstream'],
    ]);
    expect(report.kind).toBe('bounce');
  });
});

describe('a subject tells it only where it begins with words of a program, and closed', () => {
  it.each([
    'Automatic reply: Printer',
    'AUTOMATIC REPLY',
    'Out of Office: Printer',
    'Out of Office AutoReply: Printer',
    '[Auto-Reply] Printer',
    'Automatische Antwort: Drucker',
    'Abwesenheitsnotiz: Drucker',
    'Réponse automatique : Imprimante',
    'Message d’absence: x',
    'Respuesta automática: x',
    'Risposta automatica: x',
    'Resposta automática: x',
    'Automatisch antwoord: x',
    'Autosvar: x',
    'Odpowiedź automatyczna: x',
    'Автоматический ответ: x',
    '自动答复: x',
    '自動応答：x',
    'Otomatik Yanıt: x',
  ])('%s', (subject) => {
    expect(origin([], { subject })).toMatchObject({ kind: 'autoReply', reason: 'out_of_office_subject' });
  });

  it.each([
    'Re: Automatic reply: Printer',
    'Automatic replies are broken',
    'Automatic reply does not work',
    'Out of office supplies',
    'Question: out of office?',
    'Abwesenheit im Juli',
    'Auto: kaputt',
    'Undeliverable: parcel 5',
    'Mail delivery failed',
    '',
  ])('not %s', (subject) => {
    expect(origin([], { subject }).kind).toBe('human');
  });

  it.each(['noreply@x.example', 'no-reply@x.example', 'do_not_reply@x.example', 'NoReply-billing@x.example'])(
    '%s answers to nobody',
    (email) => {
      expect(origin([], { from: { email } })).toEqual({ kind: 'notification', reason: 'no_reply_sender' });
    },
  );

  it.each(['notary@x.example', 'nora.reply@x.example', 'jane@noreply.example'])('%s is a person', (email) => {
    expect(origin([], { from: { email } }).kind).toBe('human');
  });
});

describe('delivery reports', () => {
  const REPORT = [
    'This is the mail system.',
    '',
    'Reporting-MTA: dns; mx.example',
    '',
    'Final-Recipient: rfc822; Gone@else.example',
    'Original-Recipient: rfc822;gone@else.example',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 User',
    '    unknown',
    '',
    'Final-Recipient: rfc822; late@else.example',
    'Action: delayed',
    'Status: 4.4.1',
  ].join('\n');
  const type = [['Content-Type', 'multipart/report; report-type=delivery-status']] as const;

  it('name the code, the recipients and the mail that failed', () => {
    const found = origin(type, { body: { text: REPORT }, inReplyTo: '<ms.1.abcdefghijklmnop@acme.example>' });
    expect(found).toEqual({
      kind: 'bounce',
      reason: 'delivery_report',
      report: {
        action: 'failed',
        status: '5.1.1',
        failedRecipients: ['gone@else.example', 'late@else.example'],
        originalMessageId: null,
        answeredMessageId: '<ms.1.abcdefghijklmnop@acme.example>',
      },
    });
  });

  it('of servers that write prose are known by sender and subject together', () => {
    const text = 'Message <a@b.example> could not be delivered: 550 5.7.1 rejected';
    const daemon = { from: { email: 'MAILER-DAEMON@x.example' }, body: { text }, subject: 'failure notice' };
    expect(origin([], daemon)).toMatchObject({
      kind: 'bounce',
      report: { status: '5.7.1', action: 'unknown' },
    });
    expect(origin([['Return-Path', '<>']], { subject: 'Unzustellbar: Rechnung' }).kind).toBe('bounce');
    expect(origin([], { from: { email: 'postmaster@x.example' }, subject: 'Your question' }).kind).toBe(
      'human',
    );
  });
});

describe('any message', () => {
  const field = fc.record({
    name: fc.oneof(
      fc.constantFrom(
        'Auto-Submitted',
        'Precedence',
        'List-Id',
        'Return-Path',
        'Content-Type',
        'X-Loop',
        'List-Post',
      ),
      fc.string(),
    ),
    value: fc.oneof(fc.string(), fc.constantFrom('<>', '<a@b>', 'auto-replied', 'list', 'multipart/report')),
  });

  it('has an origin, and only a person may reopen', () => {
    fc.assert(
      fc.property(fc.array(field), fc.string(), fc.string(), (headers, subject, text) => {
        const found = classifyMail(anEmail({ headers, subject, body: { text } }), OWN);
        expect(mayReopen(found)).toBe(found.kind === 'human');
        if (mayTriggerAnswer(found)) expect(mayReopen(found)).toBe(true);
      }),
    );
  });

  it.each(['(', '<', 'a@', '; ', 'Final-Recipient: rfc822; a@b.example\n', ' '])(
    'of a megabyte of %j is judged in a moment',
    (piece) => {
      const value = piece.repeat(1_000_000 / piece.length);
      const started = performance.now();
      const names = [
        'Content-Type',
        'Auto-Submitted',
        'List-Id',
        'List-Post',
        'Return-Path',
        'Sender',
        'X-Failed-Recipients',
      ];
      origin(
        names.map((name) => [name, value]),
        { subject: value, body: { text: value }, from: { email: value } },
      );
      expect(performance.now() - started).toBeLessThan(2000);
    },
  );
});
