/** A processor with the built worker, its storage in a folder of its own, and payloads as the daemon builds them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { providerId, tenantId } from '@mailstream/shared/domain/ids';
import type { MessageKey } from '@mailstream/shared/domain/message';
import {
  type EmailReceivedPayload,
  emailReceivedPayloadSchema,
} from '@mailstream/shared/events/email-received-schema';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { Storage } from '@mailstream/shared/storage/storage';
import {
  createMailProcessor,
  type MailProcessorOptions,
  type ThreadedMailProcessor,
} from '../src/adapters/mail-processor.ts';
import { buildPayload } from '../src/core/event-builder.ts';
import type { IngestLimits, ProcessedMail } from '../src/ports/mail.ts';

/** The tests run after the build (README): threads load JavaScript. */
export const WORKER_URL = new URL('../dist/adapters/mail-parse-worker.js', import.meta.url);

export const KEY: MessageKey = {
  tenant: tenantId('7f1b8e9a-1111-4222-8333-444455556666'),
  providerId: providerId('0b1b8e9a-1111-4222-8333-444455556666'),
  folder: 'INBOX',
  uidValidity: 7,
  uid: 42,
};

export const LIMITS: IngestLimits = {
  maxAttachmentBytes: 25 * 1024 * 1024,
  maxTotalAttachmentBytes: 50 * 1024 * 1024,
  maxAttachmentCount: 250,
  maxRawMimeBytes: 64 * 1024 * 1024,
};

export interface MailFixture {
  readonly processor: () => ThreadedMailProcessor;
  readonly storage: () => Storage;
  /** A directory that is removed afterwards. */
  readonly folder: () => string;
  process(raw: Buffer | string): Promise<ProcessedMail>;
  payload(raw: Buffer | string): Promise<EmailReceivedPayload>;
  read(key: string): Promise<Buffer>;
}

/** Call at the top of a `describe`. */
export function useMailProcessor(options: Partial<MailProcessorOptions> = {}): MailFixture {
  let folder = '';
  let storage: Storage | null = null;
  let processor: ThreadedMailProcessor | null = null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailstream-mail-'));
    const storageUrl = pathToFileURL(join(folder, 'storage')).href;
    const opened = createStorage(storageUrl);
    storage = opened;
    processor = createMailProcessor({
      storageUrl,
      barrier: async () => await opened.barrier(),
      limits: LIMITS,
      spoolDir: folder,
      workerUrl: WORKER_URL,
      ...options,
    });
    await processor.start();
    await processor.loaded();
  });
  afterAll(async () => {
    await processor?.stop();
    await storage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const fixture: MailFixture = {
    processor: () => present(processor),
    storage: () => present(storage),
    folder: () => folder,
    process: async (raw) => {
      const bytes = Uint8Array.from(Buffer.from(raw));
      return await fixture
        .processor()
        .process(KEY, { kind: 'bytes', bytes }, 'full', new AbortController().signal);
    },
    payload: async (raw) => payloadOf(await fixture.process(raw)),
    read: async (key) => await buffer(await fixture.storage().read(key)),
  };
  return fixture;
}

const AT = new Date('2026-03-03T09:20:31.000Z');

/** The payload as a consumer gets it: valid by the schema and through JSON. */
export function payloadOf(processed: ProcessedMail): EmailReceivedPayload {
  const payload = buildPayload(KEY, processed, { internalDate: AT, threadId: null, occurredAt: AT });
  return emailReceivedPayloadSchema.parse(JSON.parse(JSON.stringify(payload)));
}

function present<Value>(value: Value | null): Value {
  if (value === null) throw new Error('used before the tests began');
  return value;
}
