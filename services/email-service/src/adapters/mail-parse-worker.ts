/**
 * The thread that parses. It holds one message, or a group of small ones, and may be ended at any instruction: whatever it had not finished is
 * harmless (incoming files of the storage, spooled attachments), and is tried again by whoever asked.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { FaultError, toFault } from '@mailstream/shared/errors/fault-error';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { Storage } from '@mailstream/shared/storage/storage';
import { storageUnavailable } from '@mailstream/shared/storage/storage-faults';
import { receivedMail } from '../received-mail.ts';
import type { MailInMemory, ProcessedMail, ReceivedMail } from '../ports/mail.ts';
import { ingestMail, type IngestTask } from './mail-ingest.ts';
import { collectPuts } from './mail-put-collector.ts';
import { watchStorage } from './mail-storage-watch.ts';

export interface WorkerTask extends IngestTask {
  readonly storageUrl: string;
  /** After this many milliseconds a task that waits for the storage gives up: a slow storage is no fault of the message. */
  readonly storagePatienceMs: number;
  /** One number, when the thread began (`process.hrtime`), 0 before: what it takes to start a thread is no fault of the message. */
  readonly begun: BigInt64Array;
}

/** A class does not survive the way between threads; its fault does. */
export type WorkerAnswer =
  | { readonly kind: 'processed'; readonly processed: ProcessedMail }
  | { readonly kind: 'fault'; readonly fault: Fault };

export interface GroupTask extends Omit<WorkerTask, 'source' | 'mode'> {
  readonly mails: readonly MailInMemory[];
}

/** In the order of the group; or what is wrong with the storage, for all of it. */
export type GroupAnswer =
  | { readonly kind: 'received'; readonly mails: readonly ReceivedMail[] }
  | { readonly kind: 'fault'; readonly fault: Fault };

const storages = new Map<string, Storage>();

export async function processMail(task: WorkerTask): Promise<WorkerAnswer> {
  begin(task);
  return await withStorage<WorkerAnswer>(task, async (storage) => ({
    kind: 'processed',
    processed: await ingestMail(task, storage),
  }));
}

/** One after the other, all stored together. */
export async function processGroup(task: GroupTask): Promise<GroupAnswer> {
  begin(task);
  return await withStorage<GroupAnswer>(task, async (storage) => {
    const collector = collectPuts(storage);
    const mails: ReceivedMail[] = [];
    for (const { key, bytes, context } of task.mails) {
      const source = { kind: 'bytes', bytes } as const;
      const processed = await ingestMail({ ...task, source, mode: 'full' }, collector);
      mails.push(receivedMail(key, processed, context));
    }
    await collector.flush();
    return { kind: 'received', mails };
  });
}

/** Tells the caller that the time of the task runs from now on. */
export function begin({ begun }: { readonly begun: BigInt64Array }): void {
  Atomics.store(begun, 0, process.hrtime.bigint());
}

async function withStorage<Answer>(
  { storageUrl, storagePatienceMs }: Pick<WorkerTask, 'storageUrl' | 'storagePatienceMs'>,
  work: (storage: Storage) => Promise<Answer>,
): Promise<Answer | { readonly kind: 'fault'; readonly fault: Fault }> {
  const storage = watchStorage(storageAt(storageUrl));
  const patience = new Promise<never>((_resolve, reject) => {
    storage.onPatienceLost(storagePatienceMs, () => {
      reject(storageUnavailable({ code: 'ETIMEDOUT' }));
    });
  });
  try {
    return await Promise.race([work(storage), patience]);
  } catch (error) {
    return { kind: 'fault', fault: error instanceof FaultError ? error.fault : toFault(error) };
  } finally {
    storage.stopWatching();
  }
}

/** Loads everything that a message needs, so that the first one does not pay for it, and proves that the thread can start. */
export function warmUp(task: { readonly storageUrl: string }): 'warm' {
  storageAt(task.storageUrl);
  return 'warm';
}

function storageAt(url: string): Storage {
  const known = storages.get(url);
  if (known !== undefined) return known;
  const storage = createStorage(url);
  storages.set(url, storage);
  return storage;
}
