/**
 * The 20 kinds of mail that the path from mailbox to event is tested with, built from a seed: the same seed gives the same bytes,
 * another seed gives other content of the same kind. `expected` is what the event must say.
 */
import { createHash } from 'node:crypto';
import {
  attachmentPart,
  base64,
  crlf,
  entity,
  part,
  randomBytes,
  type SeededRandom,
  seededRandom,
} from './mime-parts.ts';

export const MESSAGE_KINDS = [
  'plain',
  'html',
  'alternative',
  'related-cid',
  'nested-rfc822',
  'windows-1252',
  'windows-1251',
  'iso-2022-jp',
  'unlabelled-8bit',
  'encoded-words',
  'rfc2231-names',
  'empty-subject',
  'no-from',
  'no-message-id',
  'same-message-id',
  'large-attachment',
  'many-attachments',
  'many-recipients',
  'broken-mime',
  'nul-bytes',
] as const;

export type MessageKindName = (typeof MESSAGE_KINDS)[number];

export interface ExpectedAttachment {
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
  readonly isInline: boolean;
}

export interface ExpectedMail {
  /** With angle brackets; null where the event's id is made from the hash of the raw form. */
  readonly messageId: string | null;
  readonly from: { readonly email: string; readonly name?: string } | null;
  readonly subject: string;
  readonly recipients: number;
  /** Without white space at its ends. */
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly ExpectedAttachment[];
}

export interface MessageOfKind {
  readonly kind: MessageKindName;
  /** CRLF line ends, ends with one. */
  readonly raw: Buffer;
  readonly expected: ExpectedMail;
}

export interface MessageKindOptions {
  /** Decoded size of the large attachment. */
  readonly largeAttachmentBytes?: number;
  readonly attachmentCount?: number;
  readonly recipientCount?: number;
}

const DEFAULTS = { largeAttachmentBytes: 24 * 1024 * 1024, attachmentCount: 200, recipientCount: 10_000 };

export function messageOfKind(
  kind: MessageKindName,
  seed: number,
  options: MessageKindOptions = {},
): MessageOfKind {
  return BUILDERS[kind]({ kind, seed, random: seededRandom(seed), ...DEFAULTS, ...options });
}

interface Context extends Required<MessageKindOptions> {
  readonly kind: MessageKindName;
  readonly seed: number;
  readonly random: SeededRandom;
}

interface Content {
  readonly type: string;
  readonly encoding?: string;
  readonly body: Buffer | string;
  readonly expected: Partial<ExpectedMail>;
  /** Header fields to replace; null removes one. */
  readonly fields?: Readonly<Record<string, string | Buffer | null>>;
}

function message(context: Context, content: Content): MessageOfKind {
  const { kind, seed } = context;
  const messageId = `<${kind}.${seed}@sender.example>`;
  const fields: Record<string, string | Buffer | null> = {
    From: 'Ada Sender <ada@sender.example>',
    To: 'support@tenant.example',
    Subject: `Message ${seed} of kind ${kind}`,
    'Message-ID': messageId,
    Date: 'Tue, 03 Mar 2026 10:20:30 +0100',
    'MIME-Version': '1.0',
    'Content-Type': content.type,
    ...(content.encoding === undefined ? {} : { 'Content-Transfer-Encoding': content.encoding }),
    ...content.fields,
  };
  const expected: ExpectedMail = {
    messageId,
    from: { email: 'ada@sender.example', name: 'Ada Sender' },
    subject: `Message ${seed} of kind ${kind}`,
    recipients: 1,
    text: '',
    html: null,
    attachments: [],
    ...content.expected,
  };
  return { kind, raw: entity(fields, content.body), expected };
}

function plainWith(
  context: Context,
  content: Omit<Content, 'type' | 'body'> & Partial<Content>,
): MessageOfKind {
  const text = `The printer of room ${context.seed} is on fire.\nPlease send somebody.`;
  return message(context, {
    type: 'text/plain; charset=utf-8',
    body: crlf(text),
    ...content,
    expected: { text, ...content.expected },
  });
}

function encodedText(context: Context, charset: string, bytes: Buffer, text: string): MessageOfKind {
  return message(context, {
    type: charset === '' ? 'text/plain' : `text/plain; charset=${charset}`,
    encoding: '8bit',
    body: bytes,
    expected: { text },
  });
}

function multipart(
  context: Context,
  subtype: string,
  parts: readonly Buffer[],
  expected: Partial<ExpectedMail>,
): MessageOfKind {
  const boundary = `----=_Part_${context.seed}_${subtype}`;
  const body = Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), part, Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return message(context, { type: `multipart/${subtype}; boundary="${boundary}"`, body, expected });
}

function textPart(type: string, content: string): Buffer {
  return part({ 'Content-Type': `${type}; charset=utf-8`, 'Content-Transfer-Encoding': '8bit' }, content);
}

function expectedFile(
  name: string,
  contentType: string,
  bytes: Buffer,
  isInline = false,
): ExpectedAttachment {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, contentType, size: bytes.length, sha256, isInline };
}

const BUILDERS: Readonly<Record<MessageKindName, (context: Context) => MessageOfKind>> = {
  plain: (context) => plainWith(context, { expected: {} }),

  html: (context) => {
    const html = `<p>Ticket <b>${context.seed}</b> &amp; more</p>`;
    const expected = { html, text: `Ticket ${context.seed} & more` };
    return message(context, { type: 'text/html; charset=utf-8', body: html, expected });
  },

  alternative: (context) => {
    const [text, html] = [`Plain ${context.seed}`, `<p>Rich ${context.seed}</p>`];
    return multipart(context, 'alternative', [textPart('text/plain', text), textPart('text/html', html)], {
      text,
      html,
    });
  },

  'related-cid': (context) => {
    const image = randomBytes(context.random, 3000);
    const html = `<p>Look ${context.seed}</p><img src="cid:logo.${context.seed}@sender.example">`;
    const filePart = attachmentPart('image/png', image, {
      'Content-ID': `<logo.${context.seed}@sender.example>`,
      'Content-Disposition': 'inline; filename="logo.png"',
    });
    return multipart(context, 'related', [textPart('text/html', html), filePart], {
      html,
      text: `Look ${context.seed}`,
      attachments: [expectedFile('logo.png', 'image/png', image, true)],
    });
  },

  'nested-rfc822': (context) => {
    const inner = messageOfKind('alternative', context.seed + 1).raw;
    const embedded = inner.subarray(0, inner.length - 2);
    const text = `Forwarded ${context.seed}`;
    const embeddedPart = part({ 'Content-Type': 'message/rfc822' }, embedded);
    const name = `Message ${context.seed + 1} of kind alternative.eml`;
    const attachments = [expectedFile(name, 'message/rfc822', embedded)];
    return multipart(context, 'mixed', [textPart('text/plain', text), embeddedPart], { text, attachments });
  },

  'windows-1252': (context) =>
    encodedText(context, 'windows-1252', Buffer.from('Gr\xfc\xdfe \x96 5 \x80', 'latin1'), 'Grüße – 5 €'),

  'windows-1251': (context) =>
    encodedText(context, 'windows-1251', Buffer.from('\xcf\xf0\xe8\xe2\xe5\xf2', 'latin1'), 'Привет'),

  'iso-2022-jp': (context) =>
    encodedText(context, 'ISO-2022-JP', Buffer.from('\x1b$B$3$s$K$A$O\x1b(B', 'latin1'), 'こんにちは'),

  'unlabelled-8bit': (context) =>
    encodedText(context, '', Buffer.from('caf\xe9 cr\xe8me', 'latin1'), 'café crème'),

  'encoded-words': (context) =>
    plainWith(context, {
      fields: {
        // The two bytes of one character in two words, as some senders fold.
        Subject: '=?UTF-8?B?R3LD?=\r\n =?UTF-8?B?vMOfZQ==?= =?ISO-8859-1?Q?_aus_K=F6ln?=',
        From: '=?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?= <jm@sender.example>',
      },
      expected: { subject: 'Grüße aus Köln', from: { email: 'jm@sender.example', name: 'Jürgen Müller' } },
    }),

  'rfc2231-names': (context) => {
    const files = [randomBytes(context.random, 100), randomBytes(context.random, 100)] as const;
    const parts = [
      attachmentPart('application/pdf', files[0], {
        'Content-Disposition': "attachment; filename*=UTF-8''%E2%82%AC%20rates.pdf",
      }),
      attachmentPart('application/zip', files[1], {
        'Content-Disposition':
          'attachment;\r\n filename*0*=iso-8859-1\'\'%FCber;\r\n filename*1*=%20long;\r\n filename*2=" name.zip"',
      }),
    ];
    const attachments = [
      expectedFile('€ rates.pdf', 'application/pdf', files[0]),
      expectedFile('über long name.zip', 'application/zip', files[1]),
    ];
    return multipart(context, 'mixed', [textPart('text/plain', 'See files'), ...parts], {
      text: 'See files',
      attachments,
    });
  },

  'empty-subject': (context) => plainWith(context, { fields: { Subject: '' }, expected: { subject: '' } }),

  'no-from': (context) => plainWith(context, { fields: { From: null }, expected: { from: null } }),

  'no-message-id': (context) =>
    plainWith(context, { fields: { 'Message-ID': null }, expected: { messageId: null } }),

  'same-message-id': (context) => {
    const messageId = '<again-and-again@sender.example>';
    return plainWith(context, { fields: { 'Message-ID': messageId }, expected: { messageId } });
  },

  'large-attachment': (context) => {
    const file = randomBytes(context.random, context.largeAttachmentBytes);
    const filePart = attachmentPart('application/zip', file, {
      'Content-Disposition': 'attachment; filename="backup.zip"',
    });
    return multipart(context, 'mixed', [textPart('text/plain', 'The backup'), filePart], {
      text: 'The backup',
      attachments: [expectedFile('backup.zip', 'application/zip', file)],
    });
  },

  'many-attachments': (context) => {
    const files = Array.from({ length: context.attachmentCount }, (_, index) => ({
      name: `file-${index}.bin`,
      bytes: randomBytes(context.random, 50 + index),
    }));
    const parts = files.map(({ name, bytes }) =>
      attachmentPart('application/octet-stream', bytes, {
        'Content-Disposition': `attachment; filename="${name}"`,
      }),
    );
    const attachments = files.map(({ name, bytes }) => expectedFile(name, 'application/octet-stream', bytes));
    return multipart(context, 'mixed', [textPart('text/plain', 'Many'), ...parts], {
      text: 'Many',
      attachments,
    });
  },

  'many-recipients': (context) => {
    const recipients = context.recipientCount;
    const list = Array.from({ length: recipients }, (_, index) => `r${index}@many.example`);
    return plainWith(context, { fields: { To: list.join(',\r\n ') }, expected: { recipients } });
  },

  // The closing boundary is missing, base64 stops in the middle, a header line is no header.
  'broken-mime': (context) => {
    const file = randomBytes(context.random, 300);
    const cut = base64(file).subarray(0, 78 * 3);
    const body = Buffer.concat([
      crlf('--cut\nContent-Type: text/plain\nthis is no header line\n\nBroken but readable\n'),
      crlf('--cut\nContent-Type: image/gif; name="half.gif"\nContent-Transfer-Encoding: base64\n\n'),
      cut,
    ]);
    return message(context, {
      type: 'multipart/mixed; boundary=cut',
      body,
      expected: {
        text: 'Broken but readable',
        attachments: [expectedFile('half.gif', 'image/gif', file.subarray(0, 57 * 3))],
      },
    });
  },

  // A server may deliver these bytes changed: compare fields with what it serves.
  'nul-bytes': (context) =>
    message(context, {
      type: 'text/plain; charset=utf-8',
      body: 'before\0after',
      fields: { Subject: 'zero\0byte' },
      expected: { subject: 'zero\uFFFDbyte', text: 'before\uFFFDafter' },
    }),
};
