/** Messages that end their parser: each costs itself only. */
import { setEnvironmentData } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tenantId } from '@mailstream/shared/domain/ids';
import { messageOfKind } from '@mailstream/shared/testing/message-kinds';
import { createMailProcessor } from '../src/adapters/mail-processor.ts';
import type { ProcessedMail } from '../src/ports/mail.ts';
import { KEY, LIMITS, useMailProcessor } from './mail-fixture.ts';

const POISON_WORKER = new URL('poison-worker.mjs', import.meta.url);
const NEIGHBOUR = { ...KEY, tenant: tenantId('11111111-2222-4333-8444-555555555555') };
const never = new AbortController().signal;

const poison = (crime: string): Uint8Array => Uint8Array.from(Buffer.from(`X-Poison: ${crime}\r\n\r\nbody`));
const plain = (seed: number): Uint8Array => Uint8Array.from(messageOfKind('plain', seed).raw);

describe('a message that ends its parser', () => {
  const mail = useMailProcessor({
    workerUrl: POISON_WORKER,
    threads: 2,
    parser: { wallMs: 3000, heapMb: 64 },
  });
  const run = async (bytes: Uint8Array, key = KEY, signal = never): Promise<ProcessedMail> =>
    await mail.processor().process(key, { kind: 'bytes', bytes }, 'full', signal);

  it.each(['spin', 'memory', 'exit', 'throw', 'wait'])(
    'by %s is PARSER_KILLED, a transient fault, and the next message is parsed',
    async (crime) => {
      await expect(run(poison(crime))).rejects.toMatchObject({
        fault: { kind: 'transient', code: 'PARSER_KILLED' },
      });
      expect((await run(plain(1))).mail.subject).toBe('Message 1 of kind plain');
    },
  );

  it('does not hold up the messages of other tenants, however many it has of its kind', async () => {
    const order: string[] = [];
    const crimes = Array.from({ length: 2 }, async () => {
      await expect(run(poison('spin'))).rejects.toMatchObject({ fault: { code: 'PARSER_KILLED' } });
      order.push('poison');
    });
    const neighbours = Array.from({ length: 5 }, async (_, seed) => {
      await run(plain(seed), NEIGHBOUR);
      order.push('neighbour');
    });
    await Promise.all([...crimes, ...neighbours]);
    expect(order.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'neighbour'));
  });

  it('takes no message of another thread with it', async () => {
    const results = await Promise.allSettled([
      run(poison('exit')),
      run(plain(2), NEIGHBOUR),
      run(plain(3), NEIGHBOUR),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it('is ended at once when the caller gives up, with the reason of the caller', async () => {
    const giveUp = new AbortController();
    const running = Promise.allSettled([
      run(poison('spin'), KEY, giveUp.signal),
      run(plain(4), KEY, giveUp.signal),
    ]);
    giveUp.abort();
    const aborted = { status: 'rejected', reason: { name: 'AbortError' } };
    expect(await running).toMatchObject([aborted, aborted]);
    await run(plain(5));
  });

  it('costs nobody in its group the event: each is tried alone', async () => {
    const crimes = ['exit', 'throw'].map((crime) => poison(crime));
    const mails = [plain(7), ...crimes, plain(8)].map((bytes, index) => ({
      key: { ...KEY, uid: index + 1 },
      bytes,
      context: { internalDate: new Date(), threadId: null, occurredAt: new Date() },
    }));
    const killed = { kind: 'failed', error: { fault: { code: 'PARSER_KILLED' } } };
    expect(await mail.processor().processAll(mails, new AbortController().signal)).toMatchObject([
      { kind: 'received' },
      killed,
      killed,
      { kind: 'received' },
    ]);
  });

  it('is not started for a caller that has given up already', async () => {
    await expect(run(plain(6), KEY, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a thread that is still being loaded', () => {
  const mail = useMailProcessor({
    workerUrl: new URL('stuck-worker.mjs', import.meta.url),
    threads: 3,
  });

  it('is given no message: those that come at the same time are parsed by the one that is loaded', async () => {
    setEnvironmentData('loading', 'stuck');
    onTestFinished(() => setEnvironmentData('loading'));
    const keys = [KEY, NEIGHBOUR, KEY, NEIGHBOUR];
    const parsed = await Promise.all(
      keys.map((key, at) =>
        mail.processor().process(key, { kind: 'bytes', bytes: plain(at) }, 'full', never),
      ),
    );
    expect(parsed.map(({ mail: { subject } }) => subject)).toEqual(
      keys.map((_, at) => `Message ${at} of kind plain`),
    );
  });
});

describe('a processor whose worker cannot start', () => {
  it('says so when it has begun, instead of blaming messages', async () => {
    const processor = createMailProcessor({
      storageUrl: 'file:///nowhere',
      barrier: () => Promise.resolve(),
      limits: LIMITS,
      threads: 1,
      workerUrl: new URL('no-such-worker.js', import.meta.url),
    });
    await processor.start();
    // Mailboxes begin meanwhile: what they bring must not be taken for what ended the parser.
    const bytes = plain(1);
    const early = processor.process(KEY, { kind: 'bytes', bytes }, 'full', never);
    await expect(early).rejects.toThrow('no-such-worker');
    await expect(processor.loaded()).rejects.toThrow('no-such-worker');
    await processor.stop();
  });
});
