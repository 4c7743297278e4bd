/**
 * MailProcessor on worker threads. One message, or one group of small messages, per thread; a group whose thread had to be ended
 * is tried again message by message, so that none is blamed for its neighbour.
 *
 *   caller ──▶ turns (fair between tenants) ──▶ idle thread ──▶ answer
 *                                                   ├─ wall limit, heap limit, crash ──▶ thread ended, PARSER_KILLED
 *                                                   └─ caller's signal ──▶ thread ended, AbortError
 *
 * Threads begin when the last idle one is taken, and stay for the life of the process; one that was ended is replaced. Each is a pool
 * of one: a pool of several hands messages to threads that have not loaded their code yet, while others are idle (issue 7).
 */
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { Piscina } from 'piscina';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { Fault } from '@mailstream/shared/domain/fault';
import type { TenantId } from '@mailstream/shared/domain/ids';
import type { MessageKey } from '@mailstream/shared/domain/message';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import { isParserKilled } from '../ingest-steps.ts';
import type {
  IngestLimits,
  MailInMemory,
  MailOutcome,
  MailProcessor,
  ProcessedMail,
  ReceivedMail,
} from '../ports/mail.ts';
import { DEFAULT_PARSER_LIMITS, type ParserLimits } from './mail-limits.ts';
import { GroupMemory, packed } from './mail-memory.ts';
import type { GroupAnswer, GroupTask, WorkerAnswer, WorkerTask } from './mail-parse-worker.ts';
import type { MailSource } from './mail-raw.ts';
import { Turns } from './mail-turns.ts';

type Processed = Extract<WorkerAnswer, { kind: 'processed' }>;
type Received = Extract<GroupAnswer, { kind: 'received' }>;

export interface MailProcessorOptions {
  /** See `createStorage`. */
  readonly storageUrl: string;
  /** Of that storage. */
  readonly barrier: () => Promise<void>;
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
/** A thread that has not begun when the wall limit is over gets it again: it is new, and the machine is busy. */
const MAX_STARTS = 5;
const MEBIBYTE = 1024 * 1024;

export interface ThreadedMailProcessor extends MailProcessor, Service {
  /** Resolves when its first thread has loaded its code. @throws what keeps a thread from starting */
  loaded(): Promise<void>;
}

/**
 * `start` begins to load a thread and does not wait for it: that takes as long as the first mailboxes need to connect. Whatever is
 * brought meanwhile waits, and fails as `loaded` does. `stop` ends the threads, and whatever runs in them.
 */
export function createMailProcessor(options: MailProcessorOptions): ThreadedMailProcessor {
  const parser = { ...DEFAULT_PARSER_LIMITS, ...options.parser };
  const threads = options.threads ?? Math.max(3, availableParallelism() + 1);
  const opened = new Set<Piscina>();
  let isStopped = false;
  const load = async (thread: Piscina): Promise<unknown> =>
    await thread.run({ storageUrl: options.storageUrl }, { name: 'warmUp' });
  const turns = new Turns<Piscina>({
    most: threads,
    open: async () => {
      if (isStopped) throw new Error('the parser has stopped');
      const thread = createThread(options, parser);
      opened.add(thread);
      try {
        await load(thread);
      } catch (error) {
        opened.delete(thread);
        await thread.destroy();
        throw error;
      }
      return thread;
    },
    mend: load,
  });
  const memory = new GroupMemory(threads);

  async function inThread<Answer extends { readonly kind: string }>(
    thread: Piscina,
    name: 'processMail' | 'processGroup',
    task: { readonly task: object; readonly buffers: readonly ArrayBuffer[]; readonly limitMs: number },
    signal: AbortSignal,
  ): Promise<Answer> {
    const { limitMs } = task;
    const ending = new AbortController();
    const begun = new BigInt64Array(new SharedArrayBuffer(8));
    const cancelLimit = afterBeginning(begun, limitMs, () => ending.abort());
    const onAbort = (): void => {
      ending.abort();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const options = { name, signal: ending.signal, transferList: [...task.buffers] };
      const answer = (await thread.run({ ...task.task, begun }, options)) as
        Answer | { readonly kind: 'fault'; readonly fault: Fault };
      if (isFault(answer)) throw new FaultError(answer.fault);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FaultError) throw error;
      throw parserKilled(ending.signal.aborted ? `after ${limitMs} ms` : 'by its own fault', error);
    } finally {
      cancelLimit();
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
    const limitMs = wallLimitMs(sizeOf(source));
    const task: Omit<WorkerTask, 'begun'> = { ...commonTask(key.tenant, limitMs), source, mode };
    const buffers = source.kind === 'bytes' ? ownedBuffers([source.bytes]) : [];
    try {
      const { processed } = await turns.run(
        key.tenant,
        signal,
        async (thread) =>
          await inThread<Processed>(thread, 'processMail', { task, buffers, limitMs }, signal),
      );
      return processed;
    } finally {
      if (source.kind === 'file') await rm(source.path, { force: true });
    }
  }

  async function runGroup(
    mails: readonly MailInMemory[],
    signal: AbortSignal,
  ): Promise<readonly ReceivedMail[]> {
    const tenant = mails[0]?.key.tenant;
    if (tenant === undefined) return [];
    setMaxListeners(0, signal);
    const total = mails.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const limitMs = wallLimitMs(total);
    const { mails: received } = await turns.run(tenant, signal, async (thread) => {
      const piece = memory.take(total);
      // A copy: should the thread be ended, each message is tried alone.
      const task: Omit<GroupTask, 'begun'> = { ...commonTask(tenant, limitMs), mails: packed(mails, piece) };
      const answer = await inThread<Received>(thread, 'processGroup', { task, buffers: [], limitMs }, signal);
      memory.giveBack(piece);
      return answer;
    });
    return received;
  }

  async function alone(mail: MailInMemory, signal: AbortSignal): Promise<MailOutcome> {
    try {
      const [received] = await runGroup([mail], signal);
      if (received === undefined) throw new Error('a thread gave no answer');
      return { kind: 'received', mail: received };
    } catch (error) {
      return { kind: 'failed', error: error instanceof Error ? error : new Error('not an Error') };
    }
  }

  async function processAll(
    mails: readonly MailInMemory[],
    signal: AbortSignal,
  ): Promise<readonly MailOutcome[]> {
    try {
      const received = await runGroup(mails, signal);
      return received.map((mail) => ({ kind: 'received', mail }));
    } catch (error) {
      if (!isParserKilled(error)) {
        const failed = error instanceof Error ? error : new Error('not an Error');
        return mails.map(() => ({ kind: 'failed', error: failed }));
      }
      return await Promise.all(mails.map(async (mail) => await alone(mail, signal)));
    }
  }

  function wallLimitMs(bytes: number): number {
    return parser.wallMs + Math.ceil((bytes / MEBIBYTE) * parser.wallMsPerMebibyte);
  }

  function commonTask(tenant: TenantId, limitMs: number): Omit<WorkerTask, 'source' | 'mode' | 'begun'> {
    return {
      tenant,
      limits: options.limits,
      parser,
      spoolDir: options.spoolDir ?? tmpdir(),
      storageUrl: options.storageUrl,
      storagePatienceMs: limitMs * STORAGE_PATIENCE,
      isTimed: options.isTimed ?? false,
    };
  }

  return {
    process: run,
    processAll,
    barrier: async () => await options.barrier(),
    processStored: async (key, raw, mode, signal) => await run(key, { kind: 'stored', raw }, mode, signal),
    loaded: async () => await turns.ready(),
    ...createService('mail-processor', {
      start: () => {
        // Heard of by whoever asks for it.
        turns.ready().catch(() => undefined);
        return Promise.resolve();
      },
      stop: async () => {
        isStopped = true;
        await Promise.all([...opened].map(async (thread) => await thread.destroy()));
      },
    }),
  };
}

function createThread(options: MailProcessorOptions, parser: ParserLimits): Piscina {
  const thread = new Piscina({
    filename: (options.workerUrl ?? new URL('./mail-parse-worker.js', import.meta.url)).href,
    name: 'processMail',
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Infinity,
    // The turns see to it that nothing queues here. A blocking wait between tasks would stop a thread's sockets.
    atomics: 'disabled',
    // Nothing of the process's own flags: how it resolves packages or debugs is not for the threads.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: parser.heapMb, maxYoungGenerationSizeMb: 32 },
  });
  thread.on('error', () => {
    // One that died between two messages: replaced, and nobody's message was in it.
  });
  return thread;
}

/** Calls `action` when the time is over that runs from the beginning of the task, or when that does not come. */
function afterBeginning(begun: BigInt64Array, limitMs: number, action: () => void): () => void {
  let timer = setTimeout(look, limitMs);
  let starts = 0;
  function look(): void {
    const at = Atomics.load(begun, 0);
    const leftMs = at === 0n ? limitMs : limitMs - Number((process.hrtime.bigint() - at) / 1_000_000n);
    if (at === 0n) starts++;
    if (leftMs > 0 && starts < MAX_STARTS) timer = setTimeout(look, leftMs);
    else action();
  }
  return () => clearTimeout(timer);
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
function ownedBuffers(all: readonly Uint8Array[]): ArrayBuffer[] {
  return all.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
}

function isFault(
  answer: { readonly kind: string } | { readonly kind: 'fault'; readonly fault: Fault },
): answer is { readonly kind: 'fault'; readonly fault: Fault } {
  return answer.kind === 'fault';
}
