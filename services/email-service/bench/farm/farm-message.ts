/**
 * Messages of the farm: made when they are read, a slice at a time, so that 25 GB of them cost neither disk nor memory.
 *
 * A message is a head, as many whole lines of filler as fit, and a tail. The filler is one block that all messages share.
 */

export interface MessageSpec {
  readonly uid: number;
  /** Of the whole message; never less than its head and tail. */
  readonly bytes: number;
  /** `attachment`: a short text and one attachment of base64; `text`: one part of plain text. */
  readonly kind: 'text' | 'attachment';
  /** In the subject, before the UID: tells series of messages apart. */
  readonly series: string;
  /** Local part of whom it is for. */
  readonly user: string;
}

const BASE64_LINE = `${'QUJD'.repeat(19)}\r\n`;
const TEXT_LINE = 'The printer on the second floor prints every page twice, the second upside down.\r\n';
/** Bytes of a shared block: large enough that a slice of 1 MiB is a handful of writes. */
const BLOCK_BYTES = 256 * 1024;
const FIRST_DAY_MS = Date.UTC(2026, 0, 1);

const blocks = { attachment: blockOf(BASE64_LINE), text: blockOf(TEXT_LINE) };

function blockOf(line: string): { readonly line: number; readonly bytes: Buffer } {
  return { line: line.length, bytes: Buffer.from(line.repeat(Math.ceil(BLOCK_BYTES / line.length))) };
}

/** A second later than the message before it. */
export function internalDateOf(spec: Pick<MessageSpec, 'uid'>): Date {
  return new Date(FIRST_DAY_MS + spec.uid * 1_000);
}

export function subjectOf({ series, uid }: Pick<MessageSpec, 'series' | 'uid'>): string {
  return `${series}-${uid}`;
}

export function sizeOf(spec: MessageSpec): number {
  const { head, tail, filler } = parts(spec);
  return head.length + filler + tail.length;
}

/** Bytes `[start, start + length)` in pieces that may be views of a shared block: not to be written to. */
export function sliceOf(spec: MessageSpec, start: number, length: number): readonly Buffer[] {
  const { head, tail, filler } = parts(spec);
  const end = Math.min(start + length, head.length + filler + tail.length);
  if (start >= end) return [];
  const pieces: Buffer[] = [];
  if (start < head.length) pieces.push(head.subarray(start, Math.min(head.length, end)));
  const { bytes } = blocks[spec.kind];
  let at = Math.max(0, start - head.length);
  const fillerEnd = Math.min(filler, end - head.length);
  while (at < fillerEnd) {
    const from = at % bytes.length;
    const piece = bytes.subarray(from, Math.min(bytes.length, from + fillerEnd - at));
    pieces.push(piece);
    at += piece.length;
  }
  const tailStart = head.length + filler;
  if (end > tailStart) pieces.push(tail.subarray(Math.max(0, start - tailStart), end - tailStart));
  return pieces;
}

function parts(spec: MessageSpec): {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly filler: number;
} {
  const { line } = blocks[spec.kind];
  const head = Buffer.from(headOf(spec));
  const tail = Buffer.from(spec.kind === 'attachment' ? '--b--\r\n' : '');
  const lines = Math.max(1, Math.round((spec.bytes - head.length - tail.length) / line));
  return { head, tail, filler: lines * line };
}

function headOf(spec: MessageSpec): string {
  const fields = [
    `Received: from mx.example.org by mail.example.com; ${internalDateOf(spec).toUTCString()}`,
    'From: "A Customer" <customer@example.org>',
    `To: ${spec.user}@example.com`,
    `Subject: ${subjectOf(spec)}`,
    `Date: ${internalDateOf(spec).toUTCString()}`,
    `Message-ID: <${spec.series}.${spec.uid}.${spec.user}@example.org>`,
    'MIME-Version: 1.0',
  ];
  if (spec.kind === 'text')
    return [...fields, 'Content-Type: text/plain; charset=utf-8', '', ''].join('\r\n');
  return [
    ...fields,
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `See what is attached (${subjectOf(spec)}).`,
    '--b',
    'Content-Type: application/octet-stream; name=report.bin',
    'Content-Disposition: attachment; filename=report.bin',
    'Content-Transfer-Encoding: base64',
    '',
    '',
  ].join('\r\n');
}
