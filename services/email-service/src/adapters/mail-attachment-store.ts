/**
 * Stores the attachments of one message as they stream by, and counts them against the caps. What is over a cap is read to its
 * end, for its size, and dropped: the raw form has it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { IngressSkipReason } from '@mailstream/shared/events/email-received-schema';
import type { MailStorage } from './mail-put-collector.ts';
import { onDisk } from '@mailstream/shared/storage/storage-faults';
import { attachmentKey } from '@mailstream/shared/storage/storage-key';
import { shortText } from '../core/storable-text.ts';
import type { IngestLimits, StoredAttachment } from '../ports/mail.ts';
import { attachmentName, type NameTools } from './mail-attachment-name.ts';
import type { LeafMeta, LeafStream } from './mail-parser-internals.ts';

/** More goes to a file until its hash, and so its key, is known. */
const MAX_BYTES_IN_MEMORY = 2 * 1024 * 1024;
const BEGINNING_BYTES = 16 * 1024;
const MAX_PUTS_IN_FLIGHT = 8;
const MAX_REASONS = 250;
const MAX_CONTENT_ID_LENGTH = 500;
const CONTENT_TYPE = /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/;

export interface AttachmentStoreOptions {
  readonly tenant: TenantId;
  readonly storage: MailStorage;
  readonly limits: IngestLimits;
  /** Directory for what does not fit into memory. */
  readonly spoolDir: string;
}

interface Content {
  readonly size: number;
  readonly beginning: Buffer;
  /** Null when it is over a cap. */
  readonly kept: Uint8Array | string | null;
}

interface KeptContent extends Content {
  readonly kept: Uint8Array | string;
}

export class AttachmentStore {
  readonly #options: AttachmentStoreOptions;
  readonly #stored: StoredAttachment[] = [];
  readonly #reasons: IngressSkipReason[] = [];
  readonly #puts = new Set<Promise<void>>();
  #storedBytes = 0;
  #count = 0;

  constructor(options: AttachmentStoreOptions) {
    this.#options = options;
  }

  /** @throws FaultError STORAGE_UNAVAILABLE, also for an attachment taken before; an error of the stream. */
  async take(leaf: LeafStream, tools: NameTools): Promise<void> {
    const content = await this.#read(leaf, this.#next());
    const meta = this.#describe(leaf, { ...content, sha256: leaf.checksum ?? '' }, tools);
    if (this.#admit(meta, content)) await this.#put(meta.storageKey, content.kept);
  }

  /** The same for content in memory. What goes wrong with the storage comes out of `finish`. */
  takeWhole(leaf: LeafMeta, bytes: Buffer, tools: NameTools): void {
    const allowed = this.#next();
    const content = {
      size: bytes.length,
      beginning: bytes.subarray(0, BEGINNING_BYTES),
      kept: bytes.length > allowed ? null : bytes,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
    const meta = this.#describe(leaf, content, tools);
    if (this.#admit(meta, content)) this.#start(this.#options.storage.put(meta.storageKey, bytes));
  }

  /** Counts one more. @returns how many bytes it may have; -1 when it is one too many */
  #next(): number {
    this.#count++;
    const { maxAttachmentBytes, maxTotalAttachmentBytes } = this.#options.limits;
    if (this.#isOverCount) return -1;
    return Math.min(
      orUnlimited(maxAttachmentBytes),
      orUnlimited(maxTotalAttachmentBytes) - this.#storedBytes,
    );
  }

  get #isOverCount(): boolean {
    const { maxAttachmentCount } = this.#options.limits;
    return maxAttachmentCount > 0 && this.#count > maxAttachmentCount;
  }

  #admit(meta: StoredAttachment, content: Content): content is KeptContent {
    const { maxAttachmentBytes, maxTotalAttachmentBytes, maxAttachmentCount } = this.#options.limits;
    if (content.kept !== null) {
      this.#storedBytes += content.size;
      this.#stored.push(meta);
      return true;
    }
    if (this.#isOverCount) this.#skip(meta, 'attachment_count_exceeded', maxAttachmentCount);
    else if (maxAttachmentBytes > 0 && content.size > maxAttachmentBytes) {
      this.#skip(meta, 'attachment_over_max_bytes', maxAttachmentBytes);
    } else this.#skip(meta, 'attachment_total_bytes_exceeded', maxTotalAttachmentBytes);
    return false;
  }

  /** Resolves when all of them are durable. */
  async finish(): Promise<{
    readonly attachments: readonly StoredAttachment[];
    readonly skipReasons: readonly IngressSkipReason[];
  }> {
    await Promise.all(this.#puts);
    return { attachments: this.#stored, skipReasons: this.#reasons };
  }

  async #read(leaf: LeafStream, allowed: number): Promise<Content> {
    const chunks: Buffer[] = [];
    const beginning: Buffer[] = [];
    let size = 0;
    let spill: { readonly path: string; readonly file: FileHandle } | null = null;
    try {
      for await (const chunk of leaf.content as AsyncIterable<Buffer>) {
        if (size < BEGINNING_BYTES) beginning.push(chunk.subarray(0, BEGINNING_BYTES));
        size += chunk.length;
        if (size > allowed) chunks.length = 0;
        else if (spill !== null) await onDisk(spill.file.writeFile(chunk));
        else chunks.push(chunk);
        if (spill === null && size <= allowed && size > MAX_BYTES_IN_MEMORY) {
          const path = join(this.#options.spoolDir, `attachment-${randomUUID()}`);
          spill = { path, file: await onDisk(open(path, 'wx', 0o600)) };
          for (const held of chunks.splice(0)) await onDisk(spill.file.writeFile(held));
        }
      }
    } catch (error) {
      await discardSpill(spill);
      throw error;
    }
    if (size > allowed) {
      await discardSpill(spill);
      return { size, beginning: Buffer.concat(beginning), kept: null };
    }
    await spill?.file.close();
    return { size, beginning: Buffer.concat(beginning), kept: spill?.path ?? Buffer.concat(chunks) };
  }

  #describe(
    leaf: LeafMeta,
    content: Content & { readonly sha256: string },
    tools: NameTools,
  ): StoredAttachment {
    const partId = leaf.partId ?? '1';
    const declared = leaf.contentType === false ? '' : leaf.contentType;
    const contentType = CONTENT_TYPE.test(declared) ? declared : 'application/octet-stream';
    const hints = { filename: leaf.filename ?? null, contentType, partId, beginning: content.beginning };
    const contentId =
      leaf.cid === undefined || leaf.cid === '' ? null : shortText(leaf.cid, MAX_CONTENT_ID_LENGTH);
    const { sha256 } = content;
    return {
      id: partId,
      name: attachmentName(hints, tools),
      contentType,
      size: content.size,
      contentId,
      // Shown where the HTML refers to it; a file that merely carries a Content-ID is not.
      isInline: contentId !== null && (leaf.related === true || leaf.contentDisposition === 'inline'),
      sha256,
      storageKey: attachmentKey(this.#options.tenant, sha256),
    };
  }

  #skip(meta: StoredAttachment, reason: string, cap: number): void {
    if (this.#reasons.length >= MAX_REASONS) return;
    this.#reasons.push({
      type: 'attachment',
      reason,
      attachmentId: meta.id,
      attachmentName: meta.name,
      size: meta.size,
      cap,
    });
  }

  /** A few at once hide the latency of the storage; the bytes in flight stay bounded. */
  async #put(key: string, kept: Uint8Array | string): Promise<void> {
    const { storage } = this.#options;
    if (typeof kept === 'string') {
      try {
        await storage.put(key, createReadStream(kept));
      } finally {
        await rm(kept, { force: true });
      }
      return;
    }
    this.#start(storage.put(key, kept));
    if (this.#puts.size >= MAX_PUTS_IN_FLIGHT) await Promise.race(this.#puts);
  }

  #start(put: Promise<void>): void {
    this.#puts.add(put);
    put.then(
      () => this.#puts.delete(put),
      // Stays in the set, so that `finish` rejects with it.
      () => undefined,
    );
  }
}

function orUnlimited(cap: number): number {
  return cap > 0 ? cap : Number.POSITIVE_INFINITY;
}

async function discardSpill(
  spill: { readonly path: string; readonly file: FileHandle } | null,
): Promise<void> {
  if (spill === null) return;
  await spill.file.close();
  await rm(spill.path, { force: true });
}
