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
import type { MailInMemory, ProcessedMail, ProcessTimings, ReceivedMail } from '../ports/mail.ts';
import { ingestMail, type IngestTask } from './mail-ingest.ts';
import { DecodeMemory } from './mail-memory.ts';
import { collectPuts } from './mail-put-collector.ts';
import { watchStorage, type WatchedStorage } from './mail-storage-watch.ts';

export interface WorkerTask extends IngestTask {
  readonly storageUrl: string;
  /** After this many milliseconds a task that waits for the storage gives up: a slow storage is no fault of the message. */
  readonly storagePatienceMs: number;
  /** One number, when the thread began (`process.hrtime`), 0 before: what it takes to start a thread is no fault of the message. */
  readonly begun: BigInt64Array;
  /** The answer says when what was done. */
  readonly isTimed: boolean;
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
/** That of the last group. */
let spare: DecodeMemory | null = null;

export async function processMail(task: WorkerTask): Promise<WorkerAnswer> {
  begin(task);
  return await withStorage<WorkerAnswer>(task, async (storage) => {
    const startMs = nowMs();
    const processed = await ingestMail(task, storage);
    return {
      kind: 'processed',
      processed: task.isTimed ? { ...processed, timings: timings(startMs, nowMs(), storage) } : processed,
    };
  });
}

/** One after the other, all stored together. */
export async function processGroup(task: GroupTask): Promise<GroupAnswer> {
  begin(task);
  // Not there for the next group where this one is given up: its storage may still be at work.
  const memory = spare ?? new DecodeMemory(0);
  spare = null;
  memory.reuse(task.mails.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const answer = await withStorage<GroupAnswer>(task, async (storage) => {
    const collector = collectPuts(storage);
    const mails: ReceivedMail[] = [];
    const times: { readonly startMs: number; readonly endMs: number }[] = [];
    for (const { key, bytes, context } of task.mails) {
      const startMs = nowMs();
      const source = { kind: 'bytes', bytes } as const;
      const processed = await ingestMail({ ...task, source, mode: 'full' }, collector, memory);
      mails.push(receivedMail(key, processed, context));
      times.push({ startMs, endMs: nowMs() });
    }
    await collector.flush();
    if (!task.isTimed) return { kind: 'received', mails };
    const timed = mails.map((mail, index) => {
      const { startMs = 0, endMs = 0 } = times[index] ?? {};
      return { ...mail, timings: timings(startMs, endMs, storage) };
    });
    return { kind: 'received', mails: timed };
  });
  if (answer.kind === 'received') spare = memory;
  return answer;
}

/** Tells the caller that the time of the task runs from now on. */
export function begin({ begun }: { readonly begun: BigInt64Array }): void {
  Atomics.store(begun, 0, process.hrtime.bigint());
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function timings(startMs: number, endMs: number, { putTimes }: WatchedStorage): ProcessTimings {
  return { startMs, endMs, storeStartMs: putTimes?.startMs ?? null, storeEndMs: putTimes?.endMs ?? null };
}

async function withStorage<Answer>(
  { storageUrl, storagePatienceMs }: Pick<WorkerTask, 'storageUrl' | 'storagePatienceMs'>,
  work: (storage: WatchedStorage) => Promise<Answer>,
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
