import { expect, it } from 'vitest';
import { LiveSession, SESSION_ENDED } from './live-session.ts';
import { WatchStop } from './ports/watch-stop.ts';

it('its end ends the work and the watch, and what asks for the signal afterwards', () => {
  const live = new LiveSession(1, 0);
  const { signal } = live;
  const watch = new WatchStop();
  live.watch = watch;
  expect(live.signal).toBe(signal);
  live.end();
  expect(live.isEnded).toBe(true);
  expect(signal.reason).toBe(SESSION_ENDED);
  expect(watch.isStopped).toBe(true);
  live.rests();
  expect(live.signal.aborted).toBe(true);
});

it('work after a rest has a signal of its own, which the end of the session ends', () => {
  const live = new LiveSession(1, 0);
  const first = live.signal;
  live.rests();
  const second = live.signal;
  live.end();
  expect([first.aborted, second.aborted]).toEqual([false, true]);
});

it('a watch that is stopped twice tells it once', () => {
  const stop = new WatchStop();
  let told = 0;
  stop.onStop = () => (told += 1);
  stop.stop();
  stop.stop();
  expect(told).toBe(1);
});
