import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { expect, it } from 'vitest';
import { StateTimer } from './state-timer.ts';

function setup(): { clock: FakeClock; timer: StateTimer<'retry' | 'deadline'>; fired: string[] } {
  const clock = new FakeClock();
  return { clock, timer: new StateTimer(clock), fired: [] };
}

it('fires once', () => {
  const { clock, timer, fired } = setup();
  timer.arm('retry', 100, () => fired.push('retry'));
  clock.advance(99);
  expect(fired).toEqual([]);
  clock.advance(1);
  clock.advance(1_000);
  expect(fired).toEqual(['retry']);
});

it('another takes its place', () => {
  const { clock, timer, fired } = setup();
  timer.arm('retry', 100, () => fired.push('retry'));
  timer.arm('deadline', 200, () => fired.push('deadline'));
  clock.advance(1_000);
  expect(fired).toEqual(['deadline']);
});

it('is cancelled by a state that has none of its name, and kept by one that has', () => {
  const { clock, timer, fired } = setup();
  timer.arm('retry', 100, () => fired.push('first'));
  timer.keepOnly('deadline');
  timer.arm('retry', 100, () => fired.push('second'));
  timer.keepOnly('retry');
  clock.advance(1_000);
  timer.keepOnly(null);
  expect(fired).toEqual(['second']);
});

it('may be armed anew by what it calls', () => {
  const { clock, timer, fired } = setup();
  timer.arm('retry', 100, () => timer.arm('deadline', 100, () => fired.push('deadline')));
  clock.advance(100);
  timer.keepOnly('deadline');
  clock.advance(100);
  expect(fired).toEqual(['deadline']);
});
