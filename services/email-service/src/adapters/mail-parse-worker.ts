/**
 * The thread that parses. It holds one message at a time and may be ended at any instruction: whatever it had not finished is
 * harmless (incoming files of the storage, spooled attachments), and the message is tried again by whoever asked.
 */
import type { Fault } from '@mailstream/shared/domain/fault';
import { FaultError, toFault } from '@mailstream/shared/errors/fault-error';
import { createStorage } from '@mailstream/shared/storage/create-storage';
import type { Storage } from '@mailstream/shared/storage/storage';
import { storageUnavailable } from '@mailstream/shared/storage/storage-faults';
import type { ProcessedMail } from '../ports/mail.ts';
import { ingestMail, type IngestTask } from './mail-ingest.ts';
import { watchStorage } from './mail-storage-watch.ts';

export interface WorkerTask extends IngestTask {
  readonly storageUrl: string;
  /** After this many milliseconds a task that waits for the storage gives up: a slow storage is no fault of the message. */
  readonly storagePatienceMs: number;
  /** The answer says when what was done. */
  readonly isTimed: boolean;
}

/** A class does not survive the way between threads; its fault does. */
export type WorkerAnswer =
  | { readonly kind: 'processed'; readonly processed: ProcessedMail }
  | { readonly kind: 'fault'; readonly fault: Fault };

const storages = new Map<string, Storage>();

export async function processMail(task: WorkerTask): Promise<WorkerAnswer> {
  const startMs = performance.timeOrigin + performance.now();
  const storage = watchStorage(storageAt(task.storageUrl));
  const patience = new Promise<never>((_resolve, reject) => {
    storage.onPatienceLost(task.storagePatienceMs, () => {
      reject(storageUnavailable({ code: 'ETIMEDOUT' }));
    });
  });
  try {
    const processed = await Promise.race([ingestMail(task, storage), patience]);
    if (!task.isTimed) return { kind: 'processed', processed };
    const [storeStartMs, storeEndMs] = [storage.putTimes?.startMs ?? null, storage.putTimes?.endMs ?? null];
    const endMs = performance.timeOrigin + performance.now();
    return {
      kind: 'processed',
      processed: { ...processed, timings: { startMs, endMs, storeStartMs, storeEndMs } },
    };
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
