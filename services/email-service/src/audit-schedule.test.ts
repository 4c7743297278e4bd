import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { expect, test } from 'vitest';
import { AuditSchedule } from './audit-schedule.ts';

function schedule(intervalMs: number): { clock: FakeClock; audits: AuditSchedule; due: () => number } {
  const clock = new FakeClock();
  let calls = 0;
  const audits = new AuditSchedule(
    clock,
    intervalMs,
    () => 0.5,
    () => {
      calls += 1;
    },
  );
  return { clock, audits, due: () => calls };
}

test('a scheduled audit is due once per interval, the first time at a random moment of it', () => {
  const { clock, audits } = schedule(1_000);
  audits.start();
  expect(audits.due).toBeNull();
  clock.advance(500);
  expect(audits.due).toEqual({ reason: 'schedule', version: 0 });
  audits.done({ reason: 'schedule', version: 0 });
  expect(audits.due).toBeNull();
  clock.advance(1_000);
  expect(audits.due).not.toBeNull();
  audits.stop();
});

test('a request that comes while an audit runs is due again when that one has ended', () => {
  const { audits, due } = schedule(0);
  audits.request(1, 0);
  const running = audits.due;
  audits.request(2, 0);
  if (running === null) throw new Error('no audit was due');
  audits.done(running);
  expect(audits.due).toEqual({ reason: 'request', version: 2 });
  expect(due()).toBe(3);
});

test('a request that a former owner of the folder has answered is not answered twice', () => {
  const { audits } = schedule(0);
  audits.request(4, 4);
  expect(audits.due).toBeNull();
  audits.request(5, 4);
  expect(audits.due).toEqual({ reason: 'request', version: 5 });
});

test('an audit that keeps failing comes later each time, a new request comes at once', () => {
  const { clock, audits, due } = schedule(0);
  audits.request(1, 0);
  audits.failed();
  expect(audits.due).toBeNull();
  clock.advance(5_000);
  expect(audits.due).not.toBeNull();
  audits.failed();
  clock.advance(5_000);
  expect(audits.due).toBeNull();
  const before = due();
  audits.request(2, 0);
  expect(audits.due).toEqual({ reason: 'request', version: 2 });
  expect(due()).toBe(before + 1);
  audits.stop();
});

test('without a turn it asks again soon', () => {
  const { clock, audits } = schedule(0);
  audits.request(1, 0);
  audits.noTurn();
  expect(audits.due).toBeNull();
  clock.advance(1_500);
  expect(audits.due).not.toBeNull();
  audits.stop();
});

test('an audit that breaks after the stop arms nothing', () => {
  const { clock, audits, due } = schedule(1_000);
  audits.start();
  audits.stop();
  audits.failed();
  audits.noTurn();
  clock.advance(1e9);
  expect(due()).toBe(0);
});
