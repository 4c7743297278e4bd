/**
 * The standard mailbox, from a seed: 5,000 messages, 380 MB as IMAP sees them, 76 KB in the mean, 27 % with attachments. Sizes
 * are skewed as in real mail: half of the messages are below 14 KB, the largest has some MB.
 */
import { seeded, type Random } from '../../test/chaos/random.ts';

export const STANDARD = { messages: 5_000, bytes: 380_000_000, withAttachments: 0.27, seed: 8 };

export interface StandardMessage {
  /** With LF, as a Maildir keeps it. */
  readonly raw: Buffer;
  /** With CRLF, as IMAP sends it. */
  readonly bytes: number;
  readonly hasAttachment: boolean;
  readonly date: Date;
}

const WORDS =
  'the printer on second floor prints every page twice and copy is upside down please have a look at it when you find time because we need invoices for our customers before friday noon thank you very much order number delivery address telephone meeting report contract question answer reply forward größe straße café naïve résumé'.split(
    ' ',
  );
/** Mean size of what is attached to one message before base64: with text and heads it makes the mean of the whole. */
const MEAN_ATTACHED_BYTES = 177_000;
/** Lines of base64 that all attachments are cut from: some 2 MiB. */
const POOL_LINES = 28_000;
const LINE_BYTES = 77;
const FIRST_DAY_MS = Date.UTC(2025, 5, 1, 8);

/** The first `count` messages; the same for the same seed, one at a time. */
export function* standardMessages(
  count: number,
  seed = STANDARD.seed,
): Generator<StandardMessage, void, undefined> {
  const random = seeded(seed);
  const pool = base64Pool(random);
  for (let n = 1; n <= count; n += 1) yield standardMessage(n, random, pool);
}

function base64Pool(random: Random): Buffer {
  return Buffer.concat(Array.from({ length: POOL_LINES }, () => base64Line(random)));
}

function base64Line(random: Random): Buffer {
  const bytes = Buffer.alloc(57);
  for (let at = 0; at < 56; at += 4) bytes.writeUInt32LE(random.between(0, 0xffff_ffff), at);
  return Buffer.from(`${bytes.toString('base64')}\n`);
}

function standardMessage(n: number, random: Random, pool: Buffer): StandardMessage {
  const date = new Date(FIRST_DAY_MS + n * 47_000);
  const hasAttachment = random.next() < STANDARD.withAttachments;
  const text = paragraphs(random, random.between(2, 12));
  const isPlain = random.next() < 0.3;
  const body = isPlain ? textPart(text) : alternative(text, random);
  const content = hasAttachment ? mixed(body, attachments(n, random, pool)) : [Buffer.from(body)];
  const raw = Buffer.concat([Buffer.from(head(n, date, random)), ...content]);
  return { raw, bytes: raw.length + countLines(raw), hasAttachment, date };
}

function countLines(raw: Buffer): number {
  let lines = 0;
  for (let at = raw.indexOf(10); at >= 0; at = raw.indexOf(10, at + 1)) lines += 1;
  return lines;
}

function head(n: number, date: Date, random: Random): string {
  const person = random.between(1, 400);
  const reply = n > 50 && random.next() < 0.4 ? n - random.between(1, 50) : null;
  const stamp = date.toUTCString();
  return [
    `Return-Path: <person${person}@customer${person % 40}.example>`,
    `Received: from mx${person % 4}.example.net (mx.example.net [192.0.2.${person % 250}])`,
    `\tby mail.example.com with ESMTPS id ${n.toString(36)}; ${stamp}`,
    `DKIM-Signature: v=1; a=rsa-sha256; d=customer${person % 40}.example; s=mail; h=from:to:subject;`,
    `\tbh=${hex(random, 44)}; b=${hex(random, 70)}`,
    `\t${hex(random, 70)}`,
    `Authentication-Results: mail.example.com; spf=pass; dkim=pass`,
    `From: "Person ${person}" <person${person}@customer${person % 40}.example>`,
    'To: Support <support@example.com>',
    `Subject: ${reply === null ? '' : 'Re: '}${sentence(random, random.between(3, 9))}`,
    `Date: ${stamp}`,
    `Message-ID: <${n}.standard@customer${person % 40}.example>`,
    ...(reply === null
      ? []
      : [`In-Reply-To: <${reply}.standard@example.com>`, `References: <${reply}.standard@example.com>`]),
    'MIME-Version: 1.0',
    'X-Mailer: Example Mail 16.0',
    '',
  ].join('\n');
}

function hex(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += random.between(0, 0xffff_ffff).toString(16);
  return text.slice(0, length);
}

function sentence(random: Random, words: number): string {
  return Array.from({ length: words }, () => random.pick(WORDS))
    .join(' ')
    .replace(/[^\x20-\x7e]/g, 'e');
}

function paragraphs(random: Random, count: number): readonly string[] {
  return Array.from({ length: count }, () =>
    Array.from({ length: random.between(20, 90) }, () => random.pick(WORDS)).join(' '),
  );
}

function textPart(text: readonly string[]): string {
  const lines = text.map(quotedPrintable).join('\n\n');
  return `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${lines}\n`;
}

function htmlPart(text: readonly string[], random: Random): string {
  const style = '<style>p{margin:0 0 1em;font:15px/1.4 sans-serif}td{padding:4px}</style>';
  const own = text.map((line) => `<p class="text" style="color:#222">${line}</p>`);
  const quoted = Array.from(
    { length: random.between(0, 30) },
    () => `<tr><td style="border-left:2px solid #ccc">${paragraphs(random, 1)[0] ?? ''}</td></tr>`,
  );
  const html = [`<html><head>${style}</head><body>`, ...own, '<table>', ...quoted, '</table></body></html>'];
  return `Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${html.map(quotedPrintable).join('\n')}\n`;
}

function alternative(text: readonly string[], random: Random): string {
  const parts = [textPart(text), htmlPart(text, random)].map((part) => `--alt\n${part}`).join('');
  return `Content-Type: multipart/alternative; boundary=alt\n\n${parts}--alt--\n`;
}

function mixed(body: string, attached: readonly (readonly Buffer[])[]): readonly Buffer[] {
  const start = Buffer.from(`Content-Type: multipart/mixed; boundary=mix\n\n--mix\n${body}`);
  return [start, ...attached.flat(), Buffer.from('--mix--\n')];
}

function attachments(n: number, random: Random, pool: Buffer): readonly (readonly Buffer[])[] {
  const count = random.next() < 0.75 ? 1 : random.between(2, 4);
  // Exponential, so that few are large; at most what a message may carry anywhere.
  const total = Math.min(6_000_000, -Math.log(1 - random.next()) * MEAN_ATTACHED_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const isImage = random.next() < 0.4;
    const name = `${isImage ? 'photo' : 'report'}-${n}-${index}.${isImage ? 'jpg' : 'pdf'}`;
    const head = [
      '--mix',
      `Content-Type: ${isImage ? 'image/jpeg' : 'application/pdf'}; name="${name}"`,
      `Content-Disposition: ${isImage && index > 0 ? 'inline' : 'attachment'}; filename="${name}"`,
      ...(isImage && index > 0 ? [`Content-ID: <${n}.${index}@example.org>`] : []),
      'Content-Transfer-Encoding: base64',
      '',
      '',
    ].join('\n');
    return [Buffer.from(head), ...base64Lines(Math.ceil(total / count / 57), random, pool)];
  });
}

/** One line of its own, so that no two attachments are alike, and the others from a random place in the pool on, around its end. */
function base64Lines(count: number, random: Random, pool: Buffer): readonly Buffer[] {
  const pieces = [base64Line(random)];
  let from = random.between(0, POOL_LINES - 1);
  for (let left = count - 1; left > 0;) {
    const lines = Math.min(left, POOL_LINES - from);
    pieces.push(pool.subarray(from * LINE_BYTES, (from + lines) * LINE_BYTES));
    left -= lines;
    from = 0;
  }
  return pieces;
}

const encodedWords = new Map<string, string>();

/** RFC 2045 section 6.7, for words with single blanks between them. */
function quotedPrintable(text: string): string {
  let out = '';
  let length = 0;
  for (const word of text.split(' ')) {
    const encoded = encodedWord(word);
    if (length + encoded.length > 73) {
      out += '=\n';
      length = 0;
    }
    out += `${encoded} `;
    length += encoded.length + 1;
  }
  return out.trimEnd();
}

function encodedWord(word: string): string {
  const known = encodedWords.get(word);
  if (known !== undefined) return known;
  const encoded = word.replace(/[=\x80-\u{10ffff}]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  encodedWords.set(word, encoded);
  return encoded;
}
