/** What rules can ask of a message of which not everything is kept. */
import type { Rule } from '@mailstream/shared/rules/rule-schema';
import { conditionFields, type RuleSubject } from '@mailstream/shared/rules/rule-search';
import type { RawStore } from '../ports.ts';
import type { RuleSample } from '../ports/rules.ts';
import { readMailHead, type MailHead } from './mail-head.ts';

/** Of the raw message; a header block is a few kilobytes. */
const MAX_HEAD_BYTES = 64 * 1024;
const IN_HEAD = new Set<string>(['header', 'to']);
const IN_CONTENT = new Set<string>([
  'fromName',
  'body',
  'attachmentName',
  'attachmentType',
  'attachmentCount',
]);

export interface KnownSample {
  readonly subject: RuleSubject;
  /** Fields that one of the rules asks for, and that are not kept of this message. */
  readonly unknownFields: readonly string[];
}

/** Reads the original only where a rule asks for what nothing else has. @param rules those that count for its mailbox */
export async function knownSample(
  raw: RawStore,
  sample: RuleSample,
  rules: readonly Rule[],
): Promise<KnownSample> {
  const asked = [...new Set(rules.flatMap(({ when }) => conditionFields(when)))];
  const head = asked.some((field) => IN_HEAD.has(field)) ? await headOf(raw, sample) : null;
  return {
    subject: subjectOf(sample, head),
    unknownFields: asked.filter(
      (field) => (IN_HEAD.has(field) && head === null) || (IN_CONTENT.has(field) && sample.content === null),
    ),
  };
}

interface Read {
  readonly block: Buffer;
  readonly isCut: boolean;
}

/** Null where the message is not there, or the storage does not give it. */
async function headOf(raw: RawStore, { storageKey }: RuleSample): Promise<Read | null> {
  if (storageKey === null) return null;
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Leaving the loop closes the stream.
    for await (const chunk of await raw.read(storageKey)) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.length;
      if (bytes >= MAX_HEAD_BYTES) break;
    }
    const block = Buffer.concat(chunks).subarray(0, MAX_HEAD_BYTES);
    return { block, isCut: bytes >= MAX_HEAD_BYTES && !/\r?\n\r?\n/.test(block.toString('latin1')) };
  } catch {
    return null;
  }
}

function subjectOf({ content, ...sample }: RuleSample, read: Read | null): RuleSubject {
  const head: MailHead = readMailHead(read?.block ?? new Uint8Array());
  const asAddresses = (emails: readonly string[]): RuleSubject['to'] => emails.map((email) => ({ email }));
  return {
    providerId: sample.providerId,
    from: {
      email: sample.sender ?? '',
      ...(content === null || content.senderName === null ? {} : { name: content.senderName }),
    },
    to: asAddresses(head.to),
    cc: asAddresses(head.cc),
    bcc: asAddresses(head.bcc),
    subject: sample.subject ?? '',
    body: { text: content?.text ?? '' },
    headers: [...head.headers],
    attachments: (content?.attachments ?? []).map(({ name, contentType }, at) => ({
      ...{ id: String(at), name, contentType },
      ...{ size: 0, sha256: '', storageKey: '' },
    })),
    raw: { storageKey: '', sha256: '', size: sample.size },
    bodyTruncated: content?.isCut === true || read?.isCut === true,
  };
}
