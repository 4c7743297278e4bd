/**
 * One message from raw bytes to what the event is built from. Runs in the worker thread; everything it names in storage is
 * durable when it resolves. Storing the raw form and parsing overlap.
 */
import { createHash } from 'node:crypto';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { IngressSkipReason } from '@mailstream/shared/events/email-received-schema';
import { bodyKey } from '@mailstream/shared/storage/storage-key';
import type { MailStorage } from './mail-put-collector.ts';
import { fitMail } from '../core/mail-budget.ts';
import type { IngestLimits, ParsedMail, ProcessedMail } from '../ports/mail.ts';
import { AttachmentStore } from './mail-attachment-store.ts';
import { assembleBodies } from './mail-bodies.ts';
import { mailFields } from './mail-fields.ts';
import { readHead } from './mail-head.ts';
import type { ParserLimits } from './mail-limits.ts';
import { DecodeMemory } from './mail-memory.ts';
import { type MailSource, openRaw, type RawMail } from './mail-raw.ts';
import { type MailStructure, readStructure, readStructureWhole } from './mail-structure.ts';

export interface IngestTask {
  readonly tenant: TenantId;
  readonly source: MailSource;
  readonly mode: 'full' | 'headersOnly';
  readonly limits: IngestLimits;
  readonly parser: ParserLimits;
  /** Directory for attachments too large for memory. */
  readonly spoolDir: string;
}

interface Means {
  readonly storage: MailStorage;
  readonly memory: DecodeMemory;
}

/**
 * @param memory in use until `storage` has written what it was given
 * @throws FaultError STORAGE_UNAVAILABLE or NOT_FOUND; never because of what the message says
 */
export async function ingestMail(
  task: IngestTask,
  storage: MailStorage,
  memory = new DecodeMemory(0),
): Promise<ProcessedMail> {
  const raw = await openRaw(task.source, task.tenant, storage);
  const [mail] = await Promise.all([parse(task, raw, { storage, memory }), raw.stored]);
  return { raw: raw.ref, mail };
}

async function parse(task: IngestTask, raw: RawMail, means: Means): Promise<ParsedMail> {
  const overRaw = overRawCap(task.limits, raw.ref.size);
  const mail =
    task.mode === 'headersOnly' || overRaw !== null
      ? await headMail(task, raw, null)
      : await fullMail(task, raw, means);
  const whole = overRaw === null ? mail : { ...mail, skipReasons: [overRaw, ...mail.skipReasons] };
  return await storeLongBodies(whole, task.tenant, means.storage);
}

async function fullMail(task: IngestTask, raw: RawMail, { storage, memory }: Means): Promise<ParsedMail> {
  const attachments = new AttachmentStore({ ...task, storage });
  const whole =
    raw.bytes === null
      ? null
      : await readStructureWhole(raw.bytes, {
          ...{ limits: task.parser, memory },
          onAttachment: (meta, content, tools) => attachments.takeWhole(meta, content, tools),
        });
  const structure =
    whole ??
    (await readStructure(raw.chunks(), {
      limits: task.parser,
      onAttachment: async (leaf, tools) => {
        await attachments.take(leaf, tools);
      },
    }));
  const stored = await attachments.finish();
  if (structure.headerLines === null || structure.tree === null)
    return await headMail(task, raw, structure.error);
  const mail = fieldsOnly(structure);
  return { ...mail, ...assembleBodies(structure.tree), ...stored };
}

/** What the header block alone tells. Bodies and attachments are in the raw form only. */
async function headMail(task: IngestTask, raw: RawMail, error: string | null): Promise<ParsedMail> {
  const head = await readHead(raw.chunks(), task.parser.maxHeadBytes);
  const structure = await readStructure(once(head), { limits: task.parser, onAttachment: null });
  const mail = fieldsOnly(structure);
  return { ...mail, parseError: error ?? (structure.headerLines === null ? structure.error : null) };
}

function fieldsOnly(structure: MailStructure): ParsedMail {
  return {
    ...mailFields(structure.headerLines ?? [], structure.headers),
    text: '',
    html: null,
    textStorageKey: null,
    htmlStorageKey: null,
    attachments: [],
    skipReasons: [],
    parseError: structure.error,
  };
}

function overRawCap({ maxRawMimeBytes: cap }: IngestLimits, size: number): IngressSkipReason | null {
  return cap > 0 && size > cap ? { type: 'raw_mime', reason: 'raw_mime_over_max_bytes', size, cap } : null;
}

/** Cuts what would not fit into the event and keeps the whole of it in storage. */
async function storeLongBodies(
  mail: ParsedMail,
  tenant: TenantId,
  storage: MailStorage,
): Promise<ParsedMail> {
  const fitted = fitMail(mail);
  const textStorageKey = fitted.text === mail.text ? null : await putBody(mail.text, tenant, storage);
  const htmlStorageKey =
    mail.html === null || fitted.html === mail.html ? null : await putBody(mail.html, tenant, storage);
  return { ...fitted, textStorageKey, htmlStorageKey };
}

async function putBody(body: string, tenant: TenantId, storage: MailStorage): Promise<string> {
  const bytes = Buffer.from(body, 'utf8');
  const key = bodyKey(tenant, createHash('sha256').update(bytes).digest('hex'));
  await storage.put(key, bytes);
  return key;
}

// oxlint-disable-next-line require-await -- an async iterable is what the reader takes
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
