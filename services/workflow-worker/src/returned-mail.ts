/**
 * The header of the mail that a delivery report brings back, read from storage where it is an attachment. Bounded: 64 KiB, a few
 * seconds, and only what belongs to the event's tenant, whatever key the event names.
 */
import type { Readable } from 'node:stream';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { Clock } from '@mailstream/shared/domain/time';
import type { EmailAttachment } from '@mailstream/shared/events/email-received-schema';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { attachmentKey } from '@mailstream/shared/storage/storage-key';
import type { Storage } from '@mailstream/shared/storage/storage';
import { partToRead } from './core/incoming-mail.ts';
import type { ReturnedHeader, ReturnedMails } from './ports.ts';

/** A header with a hundred `Received` lines has 20 KiB. */
const MAX_BYTES = 64 * 1024;
/** A slot of the tenant waits so long. */
const PATIENCE_MS = 3_000;
const END_OF_HEADER = /\r?\n\r?\n/;

const NOTHING: ReturnedHeader = { kind: 'nothing' };
const UNREADABLE: ReturnedHeader = { kind: 'unreadable' };

export function createReturnedMails(storage: Pick<Storage, 'read'>, clock: Clock): ReturnedMails {
  const read = async (key: string): Promise<ReturnedHeader> => {
    const patience = new AbortController();
    const cancel = clock.schedule(PATIENCE_MS, () => patience.abort());
    const gaveUp = new Promise<ReturnedHeader>((resolve) => {
      patience.signal.addEventListener('abort', () => resolve(UNREADABLE));
    });
    try {
      return await Promise.race([gaveUp, beginning(storage.read(key), patience.signal)]);
    } finally {
      cancel();
    }
  };
  return {
    headerFor: async (tenant, email) => {
      const part = partToRead(email);
      if (part === null || !isTenants(tenant, part)) return NOTHING;
      return await read(part.storageKey);
    },
  };
}

async function beginning(opening: Promise<Readable>, signal: AbortSignal): Promise<ReturnedHeader> {
  let text = '';
  try {
    const stream = await opening;
    signal.addEventListener('abort', () => stream.destroy());
    if (signal.aborted) stream.destroy();
    // Latin-1 keeps every byte; what is looked for is ASCII.
    for await (const chunk of stream) {
      text += Buffer.from(chunk as Uint8Array).toString('latin1');
      if (text.length >= MAX_BYTES || END_OF_HEADER.test(text)) break;
    }
    return { kind: 'header', text: text.slice(0, MAX_BYTES) };
  } catch (error) {
    // It was never stored here, or is gone: no later attempt finds it.
    return error instanceof FaultError && error.fault.code === 'NOT_FOUND' ? NOTHING : UNREADABLE;
  }
}

function isTenants(tenant: TenantId, { sha256, storageKey }: EmailAttachment): boolean {
  return /^[0-9a-f]{64}$/.test(sha256) && storageKey === attachmentKey(tenant, sha256);
}
