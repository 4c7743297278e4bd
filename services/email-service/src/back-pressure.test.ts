/** The gate over what it measures, with a clock that is moved by hand. */
import { expect, it, onTestFinished } from 'vitest';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import type { StorageSpace } from '@mailstream/shared/storage/storage';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { createBackPressure, type BackPressure } from './back-pressure.ts';

const GIB = 1024 ** 3;

/** What the gate finds at its next look; change it, then call `look`. */
interface Surroundings {
  readonly backlogs: Map<string, number>;
  memoryRatio: number | null;
  redisFault: string | null;
  storageFault: string | null;
  freeBytes: number;
  measured: number;
  trimmed: number;
}

interface Scene {
  readonly at: Surroundings;
  readonly gate: BackPressure;
  readonly changes: () => number;
  look(ms?: number): Promise<void>;
}

async function scene(): Promise<Scene> {
  const clock = new FakeClock();
  const at: Surroundings = {
    backlogs: new Map([
      ['a', 0],
      ['b', 0],
    ]),
    memoryRatio: null,
    redisFault: null,
    storageFault: null,
    freeBytes: 100 * GIB,
    measured: 0,
    trimmed: 0,
  };
  let changes = 0;
  const refuse = (code: string | null): Promise<void> =>
    code === null
      ? Promise.resolve()
      : Promise.reject(new FaultError({ kind: 'transient', code, detail: 'as the test wants it' }));
  const space = (): Promise<StorageSpace> =>
    Promise.resolve({ freeBytes: at.freeBytes, totalBytes: 200 * GIB });
  const gate = createBackPressure({
    gauge: {
      probe: () => refuse(at.redisFault),
      memoryRatio: () => Promise.resolve(at.memoryRatio),
      measure: (streams) => {
        at.measured += 1;
        const fills = streams.map((stream) => {
          const backlog = at.backlogs.get(stream) ?? 0;
          return [stream, { length: backlog, backlog, slowestGroup: null }] as const;
        });
        return Promise.resolve(new Map(fills));
      },
      trim: () => {
        at.trimmed += 1;
        return Promise.resolve(0);
      },
    },
    streams: () => [...at.backlogs.keys()],
    probeStorage: () => refuse(at.storageFault),
    spaces: [space],
    limits: { maxBacklog: 100, maxMemoryRatio: 0.85 },
    trimEveryMs: 60_000,
    clock,
    random: () => 0.5,
    log: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics({ service: 'test', version: '0', processMetrics: false }),
    onChange: () => {
      changes += 1;
    },
  });
  const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  await gate.start();
  await settled();
  onTestFinished(async () => {
    await gate.stop();
    expect(clock.pending).toBe(0);
  });
  return {
    at,
    gate,
    changes: () => changes,
    look: async (ms = 1_100) => {
      for (let left = ms; left > 0; left -= 1_100) {
        clock.advance(1_100);
        await settled();
      }
    },
  };
}

it('one full stream holds whoever writes to it, and nobody else, until it is down to 80 %', async () => {
  const { at, gate, look } = await scene();
  at.backlogs.set('a', 100);
  await look();
  expect([gate.heldBy('a'), gate.heldBy('b')]).toEqual(['STREAM_FULL', null]);
  at.backlogs.set('a', 81);
  await look();
  expect(gate.heldBy('a')).toBe('STREAM_FULL');
  at.backlogs.set('a', 80);
  await look();
  expect(gate.heldBy('a')).toBeNull();
});

it('what is appended counts before it is measured, and there is room for no more than the rest', async () => {
  const { at, gate, look } = await scene();
  at.backlogs.set('a', 60);
  await look();
  expect([gate.room('a'), gate.heldBy('a')]).toEqual([40, null]);
  for (let n = 0; n < 40; n += 1) gate.appended('a');
  expect([gate.room('a'), gate.heldBy('a')]).toEqual([1, 'STREAM_FULL']);
  // The worker was as fast: a measurement corrects the estimate.
  at.backlogs.set('a', 10);
  await look();
  expect([gate.room('a'), gate.heldBy('a')]).toEqual([90, null]);
});

it('asks once per beat, however many ask it', async () => {
  const { at, gate, look } = await scene();
  const before = at.measured;
  for (let n = 0; n < 10_000; n += 1) gate.heldBy('a');
  await look();
  expect(at.measured).toBe(before + 1);
});

it('memory near its limit holds everybody, and a little more room is not enough', async () => {
  const { at, gate, look, changes } = await scene();
  at.memoryRatio = 0.85;
  await look();
  expect([gate.heldBy('a'), gate.heldBy('b'), changes()]).toEqual(['REDIS_FULL', 'REDIS_FULL', 1]);
  at.memoryRatio = 0.82;
  await look();
  expect(gate.heldBy('a')).toBe('REDIS_FULL');
  at.memoryRatio = 0.79;
  await look();
  expect([gate.heldBy('a'), changes()]).toEqual([null, 2]);
});

it('a Redis that misses one beat holds nobody, one that stays away does until it answers', async () => {
  const { at, gate, look } = await scene();
  at.redisFault = 'REDIS_UNAVAILABLE';
  await look();
  expect(gate.heldBy('a')).toBeNull();
  await look();
  expect(gate.heldBy('a')).toBe('REDIS_UNAVAILABLE');
  at.redisFault = null;
  await look();
  expect(gate.heldBy('a')).toBeNull();
});

it('a Redis without memory is still measured and trimmed', async () => {
  const { at, gate, look } = await scene();
  at.redisFault = 'REDIS_FULL';
  const before = { ...at };
  await look(66_000);
  expect(gate.heldBy('a')).toBe('REDIS_FULL');
  expect(at.measured).toBeGreaterThan(before.measured + 50);
  expect(at.trimmed).toBe(before.trimmed + 2);
});

it('a refused write holds at once, and the storage must prove itself before anybody fetches', async () => {
  const { at, gate, look } = await scene();
  at.storageFault = 'STORAGE_FULL';
  gate.noted({ kind: 'transient', code: 'STORAGE_FULL', detail: 'no space' });
  expect(gate.heldBy('a')).toBe('STORAGE_FULL');
  await look(5_500);
  expect(gate.heldBy('a')).toBe('STORAGE_FULL');
  at.storageFault = null;
  await look();
  expect(gate.heldBy('a')).toBeNull();
});

it('a message that cannot be stored, while others can, holds nobody', async () => {
  const { gate, look, changes } = await scene();
  gate.noted({ kind: 'transient', code: 'STORAGE_UNAVAILABLE', detail: 'this one file' });
  expect(gate.heldBy('a')).toBeNull();
  await look();
  expect([gate.heldBy('a'), changes()]).toEqual([null, 0]);
});

it('a storage that is away is found out by a write of our own', async () => {
  const { at, gate, look } = await scene();
  at.storageFault = 'STORAGE_UNAVAILABLE';
  await look();
  expect(gate.heldBy('a')).toBeNull();
  gate.noted({ kind: 'transient', code: 'STORAGE_UNAVAILABLE', detail: 'away' });
  await look();
  expect(gate.heldBy('a')).toBe('STORAGE_UNAVAILABLE');
  at.storageFault = null;
  await look();
  expect(gate.heldBy('a')).toBeNull();
});

it('little space is noticed before it is none', async () => {
  const { at, gate, look } = await scene();
  at.freeBytes = 60 * 1024 * 1024;
  await look();
  expect(gate.heldBy('a')).toBe('STORAGE_FULL');
  at.freeBytes = 100 * 1024 * 1024;
  await look();
  expect(gate.heldBy('a')).toBe('STORAGE_FULL');
  at.freeBytes = 200 * 1024 * 1024;
  await look();
  expect(gate.heldBy('a')).toBeNull();
});
