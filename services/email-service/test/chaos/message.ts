/** Numbered messages that can be recognised wherever they come out: (tenant, mailbox, n) and a hash, in header and body. */
import { createHash, randomBytes } from 'node:crypto';
import type { Random } from './random.ts';

export interface MessageName {
  /** Index of the tenant, not its id. */
  readonly tenant: number;
  readonly mailbox: number;
  readonly n: number;
}

export interface NumberedMessage extends MessageName {
  readonly key: string;
  readonly raw: Buffer;
}

export function keyOf({ tenant, mailbox, n }: MessageName): string {
  return `t${tenant}m${mailbox}n${n}`;
}

export function nameOf(key: string): MessageName | null {
  const [, tenant, mailbox, n] = /^t(\d+)m(\d+)n(\d+)$/.exec(key) ?? [];
  return tenant === undefined ? null : { tenant: Number(tenant), mailbox: Number(mailbox), n: Number(n) };
}

export function messageId(key: string): string {
  return `<${key}@chaos.test>`;
}

export function keyOfMessageId(id: string): string | null {
  return /^<(t\d+m\d+n\d+)@chaos\.test>$/.exec(id)?.[1] ?? null;
}

/** Sizes as in a helpdesk: mostly short, some with an attachment, some answers to the one before. */
export function numberedMessage(name: MessageName, random: Random): NumberedMessage {
  const key = keyOf(name);
  const payload = randomBytes(random.pick([60, 200, 900, 3_000, 3_000, 20_000])).toString('base64');
  const hash = sha256(payload);
  const lines = payload.match(/.{1,76}/g) ?? [];
  const body = [`chaos-begin ${key} ${hash}`, ...lines, `chaos-end ${key}`, ''];
  const isAnswer = name.n > 1 && random.next() < 0.2;
  const hasAttachment = random.next() < 0.15;
  const head = [
    `From: "Sender ${name.mailbox}" <sender${name.mailbox}@t${name.tenant}.example>`,
    `To: t${name.tenant}m${name.mailbox}@chaos.test`,
    `Subject: ${key}`,
    `Message-ID: ${messageId(key)}`,
    ...(isAnswer ? [`In-Reply-To: ${messageId(keyOf({ ...name, n: name.n - 1 }))}`] : []),
    `X-Chaos: ${key} ${hash}`,
    'MIME-Version: 1.0',
  ];
  const lineList = hasAttachment
    ? [...head, 'Content-Type: multipart/mixed; boundary="part"', '', ...parts(body)]
    : [...head, 'Content-Type: text/plain; charset=utf-8', '', ...body];
  return { ...name, key, raw: Buffer.from(lineList.join('\r\n')) };
}

function parts(body: readonly string[]): readonly string[] {
  const file =
    randomBytes(6_000)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return [
    '--part',
    'Content-Type: text/plain; charset=utf-8',
    '',
    ...body,
    '--part',
    'Content-Type: application/octet-stream; name="file.bin"',
    'Content-Disposition: attachment; filename="file.bin"',
    'Content-Transfer-Encoding: base64',
    '',
    ...file,
    '--part--',
    '',
  ];
}

/** The key in a raw message's header; null when it is none of ours. */
export function keyInHeader(raw: Buffer): string | null {
  return (
    /^X-Chaos: (t\d+m\d+n\d+) [0-9a-f]{64}\r?$/m.exec(raw.subarray(0, 8_192).toString('latin1'))?.[1] ?? null
  );
}

/** True when the text is the whole body of that message, unchanged. */
export function isBodyOf(key: string, text: string): boolean {
  const [, found, hash, payload, end] =
    /chaos-begin (t\d+m\d+n\d+) ([0-9a-f]{64})\s+([A-Za-z0-9+/=\s]*?)\s+chaos-end (t\d+m\d+n\d+)/.exec(
      text,
    ) ?? [];
  return found === key && end === key && sha256((payload ?? '').replaceAll(/\s/g, '')) === hash;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
