import { describe, expect, it } from 'vitest';
import { anEmail } from '../../test/emails.ts';
import { messageIdInHeader, originalMessageId, readDeliveryReport, returnedPart } from './delivery-report.ts';

const file = (contentType: string): ReturnType<typeof anEmail>['attachments'][number] => ({
  id: '3',
  name: 'Re: x.eml',
  contentType,
  size: 126,
  sha256: '',
  storageKey: 'tenant/attachments/c0',
});

describe('the mail that a report is about', () => {
  it.each(['message/rfc822', 'text/rfc822-headers', 'Message/Global'])(
    'is in the attachment %s',
    (contentType) => {
      const email = anEmail({ attachments: [file('image/png'), file(contentType)] });
      expect(returnedPart(email)?.contentType).toBe(contentType);
    },
  );

  it('is nowhere without one', () => {
    expect(returnedPart(anEmail({ attachments: [file('application/pdf')] }))).toBeNull();
  });

  it.each<readonly [what: string, message: string, id: string | null]>([
    ['in its header', 'From: a@x\r\nMessage-ID: <a@x>\r\n\r\nhello', '<a@x>'],
    ['on a line of its own', 'Message-Id:\r\n <a@x>\r\nTo: b@x', '<a@x>'],
    ['not in its body', 'From: a@x\n\nMessage-ID: <b@x>', null],
    ['not where there is none', 'no header at all', null],
  ])('has its Message-ID %s', (_, message, id) => {
    expect(messageIdInHeader(message)).toBe(id);
  });

  it('is named by the text of the report, else by the returned mail, else by what the report answers', () => {
    const text = 'Original-Message-ID: <text@x>';
    const named = anEmail({ body: { text }, inReplyTo: '<parent@x>' });
    const bare = anEmail({ inReplyTo: '<parent@x>', references: ['<root@x>', '<last@x>'] });
    const returned = 'Message-ID: <returned@x>\n\n';
    expect(originalMessageId(readDeliveryReport(named), returned)).toBe('<text@x>');
    expect(originalMessageId(readDeliveryReport(bare), returned)).toBe('<returned@x>');
    expect(originalMessageId(readDeliveryReport(bare), 'Subject: no id\n\n')).toBe('<parent@x>');
    expect(
      originalMessageId(readDeliveryReport(anEmail({ references: ['<root@x>', '<last@x>'] })), null),
    ).toBe('<last@x>');
    expect(originalMessageId(readDeliveryReport(anEmail()), null)).toBeNull();
  });
});

describe('a report about a delay', () => {
  it('is no failure', () => {
    const text =
      'Final-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.4.7\nWill-Retry-Until: Mon';
    expect(readDeliveryReport(anEmail({ body: { text } }))).toMatchObject({
      action: 'delayed',
      status: '4.4.7',
    });
  });

  it('has its addresses read after a type, in brackets, folded over lines', () => {
    const text = 'Final-Recipient: rfc822;\n  <Gone@X.example>\nAction: failed';
    expect(readDeliveryReport(anEmail({ body: { text } })).failedRecipients).toEqual(['gone@x.example']);
  });
});
