import { instanceId, providerId, tenantId } from '@mailstream/shared/domain/ids';
import { createLogger } from '@mailstream/shared/runtime/logger';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { expect, test } from 'vitest';
import { createDataAgeWatch } from './data-age-watch.ts';
import type { FolderSight } from './listener-health.ts';
import type { FolderStamp } from './ports/folder-status.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const LIMIT_MS = 900_000;

function sight(folder: string, more: Partial<FolderSight> = {}): FolderSight {
  const fresh = {
    state: 'watching',
    isHeld: false,
    provenAgeMs: 1_000,
    dataAgeMs: 1_000,
    stillMs: 1_000,
    holes: 0,
  } as const;
  return { folder, ...fresh, unseen: { count: 0, oldestAgeMs: null, newestAgeMs: null }, ...more };
}

function watch(sights: () => readonly FolderSight[]) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const lines: string[] = [];
  const stamps: (readonly FolderStamp[])[] = [];
  const givenUp: string[] = [];
  const runtime = {
    ref: { tenant: tenantId(ID), id: providerId(ID) },
    epoch: 1,
    isEnding: false,
    sights,
    folders: () => sights().map(({ folder }) => folder),
    giveUpSession: (folder: string) => givenUp.push(folder) > 0,
  };
  const dataAge = createDataAgeWatch({
    runtimes: () => [runtime],
    status: {
      stamp: (_owner, _limitMs, folders) => {
        stamps.push(folders);
        return Promise.resolve();
      },
    },
    owner: instanceId(ID),
    limitMs: LIMIT_MS,
    jitter: 0,
    clock,
    random: () => 0.5,
    log: createLogger({
      service: 't',
      level: 'info',
      pretty: false,
      destination: { write: (line) => void lines.push(line) },
    }),
    metrics,
  });
  dataAge.folderAdded(runtime);
  return { clock, metrics, lines, stamps, givenUp, runtime, dataAge };
}

async function passes(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  // A stamp that was due is written, and the next one is armed.
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

const old = { provenAgeMs: 1_000_000, dataAgeMs: 1_000_000 };

test('only a folder that looks alive and does not move is connected anew; all that are too old are counted', async () => {
  const sights = [
    sight('stuck', { ...old, stillMs: 1_000_000 }),
    sight('busy', { ...old, state: 'syncing', stillMs: 10 }),
    sight('held', { ...old, stillMs: 1_000_000, isHeld: true }),
    sight('fresh'),
  ];
  const { clock, metrics, lines, givenUp, dataAge } = watch(() => sights);
  await dataAge.start();
  clock.advance(30_000);
  clock.advance(30_000);
  expect(givenUp).toEqual(['stuck', 'stuck']);
  expect(lines.filter((line) => line.includes('a folder is stale'))).toHaveLength(3);
  const { text } = await metrics.scrape();
  expect(text).toContain('mailstream_folders_stale{state="watching"} 2');
  expect(text).toContain('mailstream_folders_stale{state="syncing"} 1');
  expect(text).toContain('mailstream_folder_data_age_seconds{state="watching"} 1000');
  expect(text).not.toContain('stuck');
  expect(dataAge.summary()).toEqual({ folders: 4, stale: 3, unseen: 0, oldestMs: 1_000_000 });
  await dataAge.stop();
  expect(clock.pending).toBe(0);
});

test('an instance stamps all its folders in one statement a minute, and those that did not change not at all', async () => {
  let ageMs = 100;
  const { clock, stamps, dataAge } = watch(() =>
    ['a', 'b', 'c'].map((folder) => sight(folder, { provenAgeMs: ageMs, dataAgeMs: ageMs })),
  );
  await dataAge.start();
  const tick = async (ms: number): Promise<void> => {
    ageMs += ms;
    await passes(clock, ms);
  };
  // The first proof is told soon, and then nothing is new: the age grows with the clock.
  await tick(5_000);
  expect(stamps.map((folders) => folders.length)).toEqual([3]);
  for (let n = 0; n < 30; n += 1) await tick(5_000);
  expect(stamps).toHaveLength(1);
  ageMs = 0;
  for (let n = 0; n < 13; n += 1) await tick(5_000);
  expect(stamps.map((folders) => folders.length)).toEqual([3, 3]);
  await dataAge.stop();
});

test('every few seconds only those are looked at of which a folder has to be stamped for the first time', async () => {
  let looked = 0;
  const sights = [sight('a'), sight('b', { provenAgeMs: null })];
  const { clock, stamps, runtime, dataAge } = watch(() => {
    looked += 1;
    return sights;
  });
  const names = (): readonly string[] => stamps.flatMap((folders) => folders.map(({ folder }) => folder));
  await dataAge.start();
  await passes(clock, 5_000);
  expect(names()).toEqual(['a']);
  sights[1] = sight('b');
  await passes(clock, 5_000);
  expect(names()).toEqual(['a', 'b']);
  await passes(clock, 5_000);
  const before = looked;
  await passes(clock, 5_000);
  await passes(clock, 5_000);
  expect(looked).toBe(before);
  // It has ended: what it has not proven it never will.
  sights.push(sight('c', { provenAgeMs: null }));
  dataAge.folderAdded(runtime);
  runtime.isEnding = true;
  await passes(clock, 4_000);
  expect(looked).toBe(before);
  await dataAge.stop();
});

test('the end of being stale is stamped soon', async () => {
  let age = { provenAgeMs: 0, dataAgeMs: 0 };
  const { clock, lines, stamps, dataAge } = watch(() => [sight('a', age)]);
  await dataAge.start();
  const until = async (told: string): Promise<void> => {
    for (let n = 0; n < 12 && !lines.some((line) => line.includes(told)); n += 1) await passes(clock, 5_000);
  };
  // It is seen to be stale, and not to be so, at times at which there is a look and no stamp of all.
  for (let n = 0; n < 7; n += 1) await passes(clock, 5_000);
  age = old;
  await until('a folder is stale');
  age = { provenAgeMs: 0, dataAgeMs: 0 };
  const before = stamps.length;
  await until('is known to be here again');
  await passes(clock, 5_000);
  expect(stamps.slice(before).flat()).toMatchObject([{ folder: 'a', provenAgeMs: 0 }]);
  await dataAge.stop();
});

test('of many folders a heartbeat and a scrape say what the last look has found, with the time since', async () => {
  let looked = 0;
  const sights = Array.from({ length: 1_000 }, (_, n) => sight(`f${n}`));
  const { clock, metrics, dataAge } = watch(() => {
    looked += 1;
    return sights;
  });
  expect(dataAge.summary()).toEqual({ folders: 1_000, stale: 0, unseen: 0, oldestMs: 1_000 });
  clock.advance(10_000);
  expect(dataAge.summary()).toEqual({ folders: 1_000, stale: 0, unseen: 0, oldestMs: 11_000 });
  expect(looked).toBe(1);
  sights[0] = sight('f0', { ...old, unseen: { count: 3, oldestAgeMs: 5, newestAgeMs: 5 } });
  await dataAge.start();
  clock.advance(30_000);
  const before = looked;
  expect(dataAge.summary()).toEqual({ folders: 1_000, stale: 1, unseen: 3, oldestMs: 1_000_000 });
  const { text } = await metrics.scrape();
  expect(text).toContain('mailstream_folder_data_age_seconds{state="watching"} 1000');
  expect(text).toContain('mailstream_folders_stale{state="watching"} 1');
  expect(text).toMatch(/^mailstream_unseen_messages(\{\})? 3$/m);
  expect(looked).toBe(before);
  await dataAge.stop();
});
