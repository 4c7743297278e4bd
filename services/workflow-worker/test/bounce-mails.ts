/**
 * Reports about mails that were not delivered, in the forms that mail servers give them. Each is about a mail to
 * `gone@customer.example` and says only in the returned mail (or in prose) which Message-ID that one had.
 */

export interface Bounce {
  readonly id: string;
  /** Of the mail that was not delivered. */
  readonly about: string;
}

const lines = (...all: readonly string[]): string => all.join('\r\n');

/** The mail that comes back, as it left. */
function returned(about: string): string {
  return lines(
    'Received: from mail.acme.example (mail.acme.example [192.0.2.10])',
    '\tby mx.customer.example with ESMTPS id 4XyzAb1; Fri, 2 Jan 2026 03:04:05 +0000',
    'From: Acme Support <support@acme.example>',
    'To: gone@customer.example',
    'Subject: Re: [#1] Printer',
    `Message-ID: ${about}`,
    'In-Reply-To: <question@customer.example>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
  );
}

const returnedWhole = (about: string): string =>
  lines(returned(about), '', 'We are looking into it.', 'Message-ID: <not-this-one@customer.example>');

/** Postfix: text, status, and the whole mail. */
export function postfix({ id, about }: Bounce): string {
  return lines(
    'Return-Path: <>',
    `Message-Id: ${id}`,
    'From: MAILER-DAEMON@mx.customer.example (Mail Delivery System)',
    'To: support@acme.example',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="4XyzAb1.1767323045/mx.customer.example"',
    '',
    'This is a MIME-encapsulated message.',
    '',
    '--4XyzAb1.1767323045/mx.customer.example',
    'Content-Description: Notification',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mx.customer.example.',
    '',
    '<gone@customer.example>: host lmtp[/var/run/lmtp] said: 550 5.1.1 <gone@customer.example> no such user',
    '    (in reply to RCPT TO command)',
    '',
    '--4XyzAb1.1767323045/mx.customer.example',
    'Content-Description: Delivery report',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.customer.example',
    'X-Postfix-Queue-ID: 4XyzAb1',
    'X-Postfix-Sender: rfc822; support@acme.example',
    '',
    'Final-Recipient: rfc822; gone@customer.example',
    'Original-Recipient: rfc822;gone@customer.example',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 <gone@customer.example> no such user',
    '',
    '--4XyzAb1.1767323045/mx.customer.example',
    'Content-Description: Undelivered Message',
    'Content-Type: message/rfc822',
    '',
    returnedWhole(about),
    '',
    '--4XyzAb1.1767323045/mx.customer.example--',
    '',
  );
}

/** The same when the mail was too large to come back: its header alone. */
export function postfixHeaderOnly(bounce: Bounce): string {
  return postfix(bounce)
    .replace('Content-Description: Undelivered Message', 'Content-Description: Undelivered Message Headers')
    .replace('Content-Type: message/rfc822', 'Content-Type: text/rfc822-headers')
    .replace(returnedWhole(bounce.about), returned(bounce.about));
}

/** Exchange: prose in HTML, and In-Reply-To names what the returned mail itself answered. */
export function exchange({ id, about }: Bounce): string {
  const original = Buffer.from(returnedWhole(about)).toString('base64');
  return lines(
    'Return-Path: <>',
    'From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@customer.example>',
    'To: <support@acme.example>',
    'Subject: Undeliverable: Re: [#1] Printer',
    `Message-ID: ${id}`,
    'In-Reply-To: <question@customer.example>',
    'References: <question@customer.example>',
    'Auto-Submitted: auto-replied',
    'X-MS-Exchange-Message-Is-Ndr:',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="c7f0a6a2-4c1e-4f8e-9d52-0c0a1b2c3d4e"',
    '',
    '--c7f0a6a2-4c1e-4f8e-9d52-0c0a1b2c3d4e',
    'Content-Type: multipart/alternative; differences=Content-Type;',
    '\tboundary="9a1b2c3d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"',
    '',
    '--9a1b2c3d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
    'Content-Type: text/plain; charset="us-ascii"',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    "Your message to gone@customer.example couldn't be delivered.",
    'gone wasn=27t found at customer.example.',
    '',
    '--9a1b2c3d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
    'Content-Type: text/html; charset="us-ascii"',
    '',
    "<html><body><p>Your message to <b>gone@customer.example</b> couldn't be delivered.</p></body></html>",
    '',
    '--9a1b2c3d-5e6f-4a7b-8c9d-0e1f2a3b4c5d--',
    '',
    '--c7f0a6a2-4c1e-4f8e-9d52-0c0a1b2c3d4e',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns;EX01.customer.example',
    'Received-From-MTA: dns;mail.acme.example',
    'Arrival-Date: Fri, 2 Jan 2026 03:04:05 +0000',
    '',
    'Final-Recipient: rfc822;gone@customer.example',
    'Action: failed',
    'Status: 5.1.10',
    'Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup',
    '',
    '--c7f0a6a2-4c1e-4f8e-9d52-0c0a1b2c3d4e',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: base64',
    '',
    ...(original.match(/.{1,76}/g) ?? []),
    '',
    '--c7f0a6a2-4c1e-4f8e-9d52-0c0a1b2c3d4e--',
    '',
  );
}

/** As Gmail writes it: a picture before the status, and the returned mail within it all. */
export function gmail({ id, about }: Bounce): string {
  return lines(
    'Return-Path: <>',
    'From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>',
    'To: support@acme.example',
    'Auto-Submitted: auto-replied',
    'Subject: Delivery Status Notification (Failure)',
    `Message-ID: ${id}`,
    'X-Failed-Recipients: gone@customer.example',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; boundary="000000000000a1b2c30641"; report-type=delivery-status',
    '',
    '--000000000000a1b2c30641',
    'Content-Type: multipart/related; boundary="000000000000d4e5f60642"',
    '',
    '--000000000000d4e5f60642',
    'Content-Type: multipart/alternative; boundary="000000000000a7b8c90643"',
    '',
    '--000000000000a7b8c90643',
    'Content-Type: text/plain; charset="UTF-8"',
    '',
    '** Address not found **',
    '',
    "Your message wasn't delivered to gone@customer.example because the address couldn't be found.",
    '',
    '--000000000000a7b8c90643',
    'Content-Type: text/html; charset="UTF-8"',
    '',
    '<h2>Address not found</h2><img src="cid:icon.png">',
    '--000000000000a7b8c90643--',
    '--000000000000d4e5f60642',
    'Content-Type: image/png; name="icon.png"',
    'Content-Disposition: attachment; filename="icon.png"',
    'Content-Transfer-Encoding: base64',
    'Content-ID: <icon.png>',
    '',
    'iVBORw0KGgo=',
    '--000000000000d4e5f60642--',
    '--000000000000a1b2c30641',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; googlemail.example',
    'Received-From-MTA: dns; support@acme.example',
    'Arrival-Date: Thu, 01 Jan 2026 19:04:05 -0800 (PST)',
    '',
    'Final-Recipient: rfc822; gone@customer.example',
    'Action: failed',
    'Status: 5.1.1',
    'Last-Attempt-Date: Thu, 01 Jan 2026 19:04:06 -0800 (PST)',
    '',
    '--000000000000a1b2c30641',
    'Content-Type: message/rfc822',
    '',
    returnedWhole(about),
    '',
    '--000000000000a1b2c30641--',
    '',
  );
}

/** qmail: prose, and the mail below a line, all in one text. */
export function qmail({ id, about }: Bounce): string {
  return lines(
    'Return-Path: <>',
    `Message-ID: ${id}`,
    'From: MAILER-DAEMON@mx.customer.example',
    'To: support@acme.example',
    'Subject: failure notice',
    '',
    'Hi. This is the mail program at mx.customer.example.',
    "I was not able to deliver your message to the addresses below. I've given up.",
    '',
    '<gone@customer.example>:',
    'Sorry, no mailbox here by that name. (#5.1.1)',
    '',
    '--- Below this line is a copy of the message.',
    '',
    'Return-Path: <support@acme.example>',
    returnedWhole(about),
    '',
  );
}
