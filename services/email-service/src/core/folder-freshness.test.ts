import { expect, test } from 'vitest';
import { FolderFreshness } from './folder-freshness.ts';

test('a folder ages until a complete list proves it, and the proof is as old as the question', () => {
  const folder = new FolderFreshness(1_000);
  expect(folder.ageMs(5_000)).toBe(4_000);
  folder.listed(6_000, [], 0);
  expect(folder.ageMs(7_500)).toBe(1_500);
});

test('a list that leaves a backlog proves nothing, however often it is made', () => {
  const folder = new FolderFreshness(0);
  folder.listed(1_000, [5, 6], 0);
  folder.listed(2_000, [6], 0);
  expect(folder.ageMs(3_000)).toBe(3_000);
  expect(folder.provenMs).toBeNull();
});

test('a message waits since the first list that reached up to it', () => {
  const folder = new FolderFreshness(0);
  folder.listed(1_000, [10, 11, 12], 0);
  folder.listed(2_000, [12, 15], 0);
  expect(folder.unseen(5_000)).toEqual({ count: 2, oldestAgeMs: 4_000, newestAgeMs: 3_000 });
  folder.listed(3_000, [15], 0);
  expect(folder.unseen(5_000)).toEqual({ count: 1, oldestAgeMs: 3_000, newestAgeMs: 3_000 });
  folder.listed(4_000, [], 0);
  expect(folder.unseen(5_000)).toEqual({ count: 0, oldestAgeMs: null, newestAgeMs: null });
});

test('a hole ages on while newer mail is proven to be here', () => {
  const folder = new FolderFreshness(0);
  folder.listed(1_000, [7], 1);
  folder.listed(60_000, [7], 1);
  expect(folder.ageMs(61_000)).toBe(1_000);
  expect(folder.holes).toBe(1);
  expect(folder.unseen(61_000).oldestAgeMs).toBe(60_000);
});

test('an endless backlog keeps few marks, and merging them makes no message look younger', () => {
  const folder = new FolderFreshness(0);
  for (let uid = 1; uid <= 10_000; uid += 1) folder.listed(uid, [1, uid], 0);
  expect(folder.unseen(20_000).oldestAgeMs).toBe(19_999);
  expect(folder.unseen(20_000).newestAgeMs).toBe(10_000);
});

test('any sign of progress counts, also where nothing is proven', () => {
  const folder = new FolderFreshness(0);
  folder.progressed(9_000);
  expect(folder.stillMs(10_000)).toBe(1_000);
  expect(folder.ageMs(10_000)).toBe(10_000);
});
