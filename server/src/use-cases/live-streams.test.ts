import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { tenantId } from '@mailstream/shared/domain/ids';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import type { ChangeTopic } from '@mailstream/shared/db/notices';
import type { Actor } from '../ports.ts';
import { createLiveStreams } from './live-streams.ts';

const actor: Actor = {
  tenant: tenantId('00000000-0000-4000-8000-000000000001'),
  kind: 'user',
  id: '00000000-0000-4000-8000-000000000002',
  scopes: new Set(['messages:read', 'tickets:read']),
};

function setUp() {
  const clock = new FakeClock();
  const listeners = new Set<(topic: ChangeTopic) => void>();
  let open = 0;
  let isIn: () => Promise<boolean> = () => Promise.resolve(true);
  const streams = createLiveStreams({
    feed: {
      subscribe: (_tenant, listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    accounts: { isStillIn: () => isIn() },
    clock,
    onCount: (now) => {
      open = now;
    },
  });
  return {
    clock,
    openNow: () => open,
    streams,
    listeners,
    tell: (topic: ChangeTopic) => {
      for (const listener of listeners) listener(topic);
    },
    setIn: (now: () => Promise<boolean>) => {
      isIn = now;
    },
  };
}

const read = (stream: Readable): string => (stream.read() as Buffer | null)?.toString() ?? '';

test('changes of a moment are told together, and silence is broken every 15 seconds', () => {
  const { streams, clock, tell, openNow } = setUp();
  const stream = streams.open(actor, 's');
  expect(read(stream)).toContain('event: open');
  expect(openNow()).toBe(1);
  for (const topic of ['messages', 'tickets', 'messages', 'providers'] as const) tell(topic);
  expect(read(stream)).toBe('');
  clock.advance(250);
  expect(read(stream)).toBe('event: change\ndata: {"topics":["messages","tickets"]}\n\n');
  clock.advance(15_000);
  expect(read(stream)).toBe(': still here\n\n');
  stream.destroy();
});

test('a session that ended without a notice ends the stream at the next beat; a database that is away does not', async () => {
  const { streams, clock, setIn, listeners } = setUp();
  const stream = streams.open(actor, 's');
  setIn(() => Promise.reject(new Error('away')));
  clock.advance(15_000);
  setIn(() => Promise.resolve(false));
  clock.advance(15_000);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  expect(text).toMatch(/still here[^]*still here[^]*event: end/);
  expect(listeners.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a reader that takes nothing is left, and leaves nothing behind', async () => {
  const { streams, clock, tell, listeners, openNow } = setUp();
  const stream = streams.open(actor, 's');
  const closed = new Promise((resolve) => stream.once('close', resolve));
  for (let i = 0; i < 5000 && !stream.destroyed; i += 1) {
    tell('messages');
    clock.advance(250);
  }
  await closed;
  expect([listeners.size, clock.pending, openNow()]).toEqual([0, 0, 0]);
});
