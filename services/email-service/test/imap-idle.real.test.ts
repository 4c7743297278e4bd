/** IDLE on one connection, in the place that imapflow has for its own: what is sent when, and who is told of its end. */
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { expect, test } from 'vitest';
import { deferred } from '../src/live-session.ts';
import { WatchStop } from '../src/ports/watch-stop.ts';
import { faultOf, inbox, opened, start, watching } from './imap-session-setup.ts';

test('a command ends a running IDLE with one DONE, and there is another one afterwards, again and again', async () => {
  const server = await start(inbox('a'));
  const session = await opened(server);
  const lines: (string | null)[] = [];
  server.on('IDLE', async ({ connection, answer }) => {
    await connection.line('+ idling');
    lines.push(await connection.reader.readLine());
    await answer('OK done');
  });
  for (let round = 1; round <= 3; round += 1) {
    const stop = new WatchStop();
    const watched = session.watch({ ...watching, stop });
    await server.seen('IDLE', round);
    stop.stop();
    expect(await watched).toBe('stopped');
    expect(await session.listUids(1, [])).toEqual([1]);
  }
  expect(lines).toEqual(['DONE', 'DONE', 'DONE']);
  expect(server.commands.map(({ name }) => name).slice(-6)).toEqual([
    'IDLE',
    'UID SEARCH',
    'IDLE',
    'UID SEARCH',
    'IDLE',
    'UID SEARCH',
  ]);
});

test('commands that come before the server says "+" wait for it, and DONE is sent then', async () => {
  const server = await start(inbox('a'));
  const session = await opened(server);
  const { promise: isTold, resolve: tell } = deferred();
  let hasBegun = false;
  server.once('IDLE', async ({ connection, answer }) => {
    await isTold;
    hasBegun = true;
    await connection.line('+ idling');
    await answer((await connection.reader.readLine()) === 'DONE' ? 'OK done' : 'BAD what');
  });
  const stop = new WatchStop();
  const watched = session.watch({ ...watching, stop });
  await server.seen('IDLE', 1);
  stop.stop();
  await watched;
  const listed = session.listUids(1, []).then((uids) => ({ uids, hasBegun }));
  tell();
  expect(await listed).toEqual({ uids: [1], hasBegun: true });
});

test('an IDLE that is refused, or ended unasked, while a command waits for it does not harm the command', async () => {
  const server = await start(inbox('a'));
  const session = await opened(server);
  for (const [round, answer] of ['NO not now', 'BAD never', 'OK done'].entries()) {
    const { promise: isTold, resolve: tell } = deferred();
    server.once('IDLE', async (context) => {
      await isTold;
      await context.answer(answer);
    });
    const stop = new WatchStop();
    const watched = session.watch({ ...watching, stop });
    await server.seen('IDLE', round + 1);
    stop.stop();
    await watched;
    const listed = session.listUids(1, []);
    tell();
    expect(await listed).toEqual([1]);
  }
});

test('an IDLE that the server ends after a while is asked for again', async () => {
  const server = await start(inbox('a'));
  const clock = new FakeClock();
  const session = await opened(server, { clock });
  server.once('IDLE', async ({ connection, answer }) => {
    await connection.line('+ idling');
    // Sooner it would be as good as refused.
    clock.advance(1_000);
    await answer('OK enough');
  });
  const watched = session.watch(watching);
  await server.seen('IDLE', 2);
  server.deliver('INBOX', 'b');
  expect(await watched).toBe('changed');
});

test('a connection that is lost before "+" fails the command that waits, with the reason', async () => {
  const server = await start(inbox('a'));
  const session = await opened(server);
  server.once('IDLE', () => undefined);
  const stop = new WatchStop();
  const watched = session.watch({ ...watching, stop });
  await server.seen('IDLE', 1);
  stop.stop();
  await watched;
  const listed = faultOf(session.listUids(1, []));
  server.dropConnections();
  expect(await listed).toMatchObject({ kind: 'transient', code: 'IMAP_CONNECTION_LOST' });
});

test('a connection that is closed in IDLE leaves nobody waiting', async () => {
  const server = await start(inbox('a'));
  const session = await opened(server);
  const watched = faultOf(session.watch(watching));
  await server.seen('IDLE', 1);
  session.destroy();
  expect(await watched).toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
  expect(await session.closed).toBeNull();
});
