/** File names of attachments: for people to read and to save under, never a path. */
import { shortText } from '../core/storable-text.ts';

const MAX_NAME_LENGTH = 255;
/** Controls break headers and logs; bidirectional overrides make `exe` read as `txt`. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const DECEIVING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export interface NameHints {
  /** As the message has it, decoded; null where it has none. */
  readonly filename: string | null;
  readonly contentType: string;
  /** MIME part number. */
  readonly partId: string;
  /** The first bytes of the content: an embedded message is named after its subject. */
  readonly beginning: Buffer;
}

export interface NameTools {
  decodeWords(text: string): string;
  detectExtension(contentType: string): string;
}

export function attachmentName(hints: NameHints, tools: NameTools): string {
  const given = safeName(hints.filename ?? '');
  if (given !== '') return given;
  if (hints.contentType === 'message/rfc822') {
    const subject = safeName(embeddedSubject(hints.beginning, tools));
    return `${subject === '' ? 'message' : subject.slice(0, MAX_NAME_LENGTH - 4)}.eml`;
  }
  return `attachment-${hints.partId}.${tools.detectExtension(hints.contentType)}`;
}

function safeName(name: string): string {
  const clean = name.replace(DECEIVING, ' ').replace(/ +/g, ' ');
  const last =
    clean
      .slice(-4 * MAX_NAME_LENGTH)
      .split(/[\\/]/)
      .at(-1) ?? '';
  return shortText(last.trim().replace(/^\.+$/, ''), MAX_NAME_LENGTH);
}

function embeddedSubject(beginning: Buffer, tools: NameTools): string {
  const [head = ''] = beginning.toString('latin1').split(/\r?\n\r?\n/, 1);
  const subject = /^subject:(.*(?:\r?\n[ \t].*)*)/im.exec(head)?.[1] ?? '';
  return tools.decodeWords(Buffer.from(subject.replace(/\r?\n/g, ''), 'latin1').toString('utf8')).trim();
}
