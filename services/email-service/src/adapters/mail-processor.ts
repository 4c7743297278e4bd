/**
 * MailProcessor on worker threads. One message per thread: a thread that is ended takes no neighbour with it.
 *
 *   caller ──▶ turns (fair between tenants) ──▶ idle thread ──▶ answer
 *                                                   ├─ wall limit, heap limit, crash ──▶ thread ended, PARSER_KILLED
 *                                                   └─ caller's signal ──▶ thread ended, AbortError
 *
 * Threads stay for the life of the process; one that was ended is replaced.
 */
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { Piscina } from 'piscina';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { MessageKey } from '@mailstream/shared/domain/message';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { IngestLimits, MailProcessor, ProcessedMail } from '../ports/mail.ts';
import { DEFAULT_PARSER_LIMITS, type ParserLimits } from './mail-limits.ts';
import type { WorkerAnswer, WorkerTask } from './mail-parse-worker.ts';
import type { MailSource } from './mail-raw.ts';
import { Turns } from './mail-turns.ts';

export interface MailProcessorOptions {
  /** See `createStorage`. */
  readonly storageUrl: string;
  readonly limits: IngestLimits;
  /** What differs from `DEFAULT_PARSER_LIMITS`. */
  readonly parser?: Partial<ParserLimits>;
  /** Default: one more than the machine has cores, because a thread waits for the disk now and then; at least 3. */
  readonly threads?: number;
  /** Existing directory for attachments too large for memory; default the system's. */
  readonly spoolDir?: string;
  /** The built worker. Default: beside this file. Tests that run from sources pass the one in `dist`. */
  readonly workerUrl?: URL;
  /** What it answers says when what was done; default false. */
  readonly isTimed?: boolean;
}

/** Share of the wall limit after which a task that waits for its storage gives up by itself. */
const STORAGE_PATIENCE = 0.8;
const MEBIBYTE = 1024 * 1024;

/** `start` proves that a thread can be started and loads its code; `stop` ends the threads, and whatever runs in them. */
export function createMailProcessor(options: MailProcessorOptions): MailProcessor & Service {
  const parser = { ...DEFAULT_PARSER_LIMITS, ...options.parser };
  const threads = options.threads ?? Math.max(3, availableParallelism() + 1);
  const turns = new Turns(threads);
  let pool: Piscina | null = null;

  function threadPool(): Piscina {
    pool ??= createPool(options, parser, threads);
    return pool;
  }

  async function inThread(task: WorkerTask, limitMs: number, signal: AbortSignal): Promise<ProcessedMail> {
    const ending = new AbortController();
    const timer = setTimeout(() => {
      ending.abort();
    }, limitMs);
    const onAbort = (): void => {
      ending.abort();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const transferList = ownedBuffers(task.source);
      const answer = (await threadPool().run(task, { signal: ending.signal, transferList })) as WorkerAnswer;
      if (answer.kind === 'fault') throw new FaultError(answer.fault);
      return answer.processed;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FaultError) throw error;
      throw parserKilled(ending.signal.aborted ? `after ${limitMs} ms` : 'by its own fault', error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async function run(
    key: MessageKey,
    source: MailSource,
    mode: 'full' | 'headersOnly',
    signal: AbortSignal,
  ): Promise<ProcessedMail> {
    // One signal for a whole batch is normal use, not a leak.
    setMaxListeners(0, signal);
    const limitMs = parser.wallMs + Math.ceil((sizeOf(source) / MEBIBYTE) * parser.wallMsPerMebibyte);
    const task: WorkerTask = {
      tenant: key.tenant,
      source,
      mode,
      limits: options.limits,
      parser,
      spoolDir: options.spoolDir ?? tmpdir(),
      storageUrl: options.storageUrl,
      storagePatienceMs: limitMs * STORAGE_PATIENCE,
      isTimed: options.isTimed ?? false,
    };
    try {
      return await turns.run(key.tenant, signal, async () => await inThread(task, limitMs, signal));
    } finally {
      if (source.kind === 'file') await rm(source.path, { force: true });
    }
  }

  return {
    process: run,
    processStored: async (key, raw, mode, signal) => await run(key, { kind: 'stored', raw }, mode, signal),
    ...createService('mail-processor', {
      start: async () => {
        await threadPool().run({ storageUrl: options.storageUrl }, { name: 'warmUp' });
      },
      stop: async () => {
        const ending = pool;
        pool = null;
        await ending?.destroy();
      },
    }),
  };
}

function createPool(options: MailProcessorOptions, parser: ParserLimits, threads: number): Piscina {
  const pool = new Piscina({
    filename: (options.workerUrl ?? new URL('./mail-parse-worker.js', import.meta.url)).href,
    name: 'processMail',
    minThreads: threads,
    maxThreads: threads,
    // The turns see to it that nothing queues here. A blocking wait between tasks would stop a thread's sockets.
    atomics: 'disabled',
    // Nothing of the process's own flags: how it resolves packages or debugs is not for the threads.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: parser.heapMb, maxYoungGenerationSizeMb: 32 },
  });
  pool.on('error', () => {
    // A thread that died between two messages: replaced, and nobody's message was in it.
  });
  return pool;
}

function parserKilled(how: string, cause: unknown): FaultError {
  return new FaultError(
    { kind: 'transient', code: 'PARSER_KILLED', detail: `the parser was ended ${how}` },
    cause,
  );
}

function sizeOf(source: MailSource): number {
  if (source.kind === 'bytes') return source.bytes.length;
  return source.kind === 'file' ? source.size : source.raw.size;
}

/** The bytes move without a copy, unless they are a slice of something that others may hold. */
function ownedBuffers(source: MailSource): ArrayBuffer[] {
  if (source.kind !== 'bytes') return [];
  const { buffer, byteLength } = source.bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
