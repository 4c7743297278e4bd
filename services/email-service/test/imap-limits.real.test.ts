/** Servers that are slow, endless or deaf: time and memory stay bounded. */
import type { ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import { fetchResponse } from '@mailstream/shared/testing/scripted-imap-commands';
import * as faults from '@mailstream/shared/testing/scripted-imap-faults';
import { FakeClock } from '@mailstream/shared/testing/fake-clock';
import { describe, expect, test } from 'vitest';
import { all, faultOf, inbox, never, opened, start, watching } from './imap-session-setup.ts';

const MIB = 1024 * 1024;

describe('one deadline over each command, however many bytes drip in', () => {
  test('a FETCH that comes byte by byte', async () => {
    const server = await start(inbox('x'.repeat(5_000)));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    server.on('UID FETCH', faults.drip(1));
    const fetching = faultOf(all(session.fetch([1], 64 * 1024, never)));
    await server.seen('UID FETCH', 1);
    // 60 s, and 2 s for 64 KiB at the slowest rate.
    clock.advance(61_999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await fetching).toMatchObject({ kind: 'transient', code: 'IMAP_TIMEOUT' });
    expect(await session.closed).toMatchObject({ code: 'IMAP_TIMEOUT' });
    expect(clock.pending).toBe(0);
  });

  test('rows nobody asked for do not extend it', async () => {
    const server = await start(inbox('a', 'b'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    const rows = 50;
    let sent = (): void => undefined;
    const allSent = new Promise<void>((resolve) => (sent = resolve));
    server.on('UID FETCH', async (context) => {
      for (let row = 0; row < rows; row += 1) {
        await context.connection.untagged('1 FETCH (UID 1 FLAGS (\\Seen))');
        clock.advance(1_000);
      }
      sent();
      await context.connection.reader.readLine();
    });
    const fetching = faultOf(all(session.fetch([2], 10, never)));
    await allSent;
    clock.advance(61_000 - rows * 1_000);
    expect(await fetching).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test('a SEARCH and an EXAMINE that are never answered', async () => {
    for (const [command, run] of [
      ['UID SEARCH', (session: Awaited<ReturnType<typeof opened>>) => session.listUids(1, [])],
      ['EXAMINE', (session: Awaited<ReturnType<typeof opened>>) => session.open('INBOX')],
    ] as const) {
      const server = await start(inbox('a'));
      const clock = new FakeClock();
      const session = await opened(server, { clock });
      server.on(command, faults.silence());
      const running = faultOf(run(session));
      await server.seen(command, command === 'EXAMINE' ? 2 : 1);
      clock.advance(60_000);
      expect(await running).toMatchObject({ code: 'IMAP_TIMEOUT' });
    }
  });

  test('time that the consumer takes is not counted', async () => {
    const server = await start(inbox('a', 'b', 'c'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    let count = 0;
    for await (const message of session.fetch([1, 2, 3], 10, never)) {
      expect(message.head).not.toBeNull();
      clock.advance(3_600_000);
      count += 1;
    }
    expect(count).toBe(3);
  });

  test('DONE that is not answered ends the session after 15 seconds', async () => {
    const server = await start(inbox('a'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    let done = (): void => undefined;
    const doneCame = new Promise<void>((resolve) => (done = resolve));
    server.on('IDLE', async ({ connection }) => {
      await connection.line('+ idling');
      if ((await connection.reader.readLine()) === 'DONE') done();
      await connection.reader.readLine();
      await connection.reader.readLine();
    });
    const watched = faultOf(session.watch(watching));
    await server.seen('IDLE', 1);
    clock.advance(60_000);
    await doneCame;
    clock.advance(15_000);
    expect(await watched).toMatchObject({ code: 'IMAP_TIMEOUT' });
    expect(clock.pending).toBe(0);
  });

  test('lines without end in IDLE do not keep a session alive', async () => {
    const server = await start(inbox('a'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    let done = (): void => undefined;
    const doneCame = new Promise<void>((resolve) => (done = resolve));
    server.on('IDLE', async ({ connection }) => {
      const readOneLine = async (): Promise<void> => {
        await connection.reader.readLine();
        done();
      };
      await connection.line('+ idling');
      void readOneLine();
      while (connection.isOpen) {
        await connection.write('* OK still here\r\n'.repeat(100));
        await connection.pause(1);
      }
    });
    const watched = faultOf(session.watch(watching));
    await server.seen('IDLE', 1);
    clock.advance(60_000);
    await doneCame;
    clock.advance(15_000);
    expect(await watched).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });
});

describe('memory', () => {
  test('100,000 untagged lines before the answer change nothing', async () => {
    const server = await start(inbox('a', 'b'));
    const session = await opened(server);
    server.once('UID SEARCH', faults.untaggedFlood(100_000));
    const before = process.memoryUsage().rss;
    expect(await session.listUids(1, [])).toEqual([1, 2]);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });

  test.each([
    ['lines', 'OK still here'],
    ['results', `SEARCH ${'4294967295 '.repeat(5_000).trim()}`],
    ['FETCH rows', '1 FETCH (UID 1 FLAGS (\\Seen))'],
  ])('endless %s end the session when they are far more than was asked for', async (_what, line) => {
    const server = await start(inbox('a', 'b'));
    const session = await opened(server);
    server.on('UID SEARCH', faults.untaggedFlood(Number.POSITIVE_INFINITY, line));
    const before = process.memoryUsage().rss;
    expect(await faultOf(session.listUids(1, []))).toMatchObject({
      kind: 'transient',
      code: 'IMAP_PROTOCOL',
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });

  test.each([
    ['100,000 brackets is skipped', '('.repeat(100_000), [1]],
    ['4 MiB without an end ends the session', 'x'.repeat(4 * MIB), 'IMAP_PROTOCOL'],
  ])('a line of %s', async (_what, line, expected) => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID SEARCH', async ({ connection }): Promise<false> => {
      await connection.untagged(`SEARCH ${line}`);
      return false;
    });
    const listing = session.listUids(1, []);
    expect(Array.isArray(expected) ? await listing : (await faultOf(listing)).code).toEqual(expected);
  });

  test('a mailbox larger than memory allows waits on the server while the consumer is slow', async () => {
    const size = 256 * 1024;
    const count = 1_200;
    const server = await start({ folders: { INBOX: {} } });
    const raw = Buffer.alloc(size, 'x');
    const uids = Array.from({ length: count }, () => server.folder('INBOX').add(raw).uid);
    const { blocked, sent } = countingWrites(server);
    const session = await opened(server);
    const before = process.memoryUsage().rss;
    let read = 0;
    let most = 0;
    for await (const { head } of session.fetch(uids, size, never)) {
      if (read === 0) {
        // We hold the first message: the server must come to a stand.
        await blocked;
        expect(sent() * size).toBeLessThan(32 * MIB);
      }
      read += head?.length ?? 0;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(read).toBe(size * count);
    expect(most).toBeLessThan(128 * MIB);
  });
});

describe('nothing stays behind', () => {
  test('no timer after a session was watched, drained or destroyed', async () => {
    const server = await start(inbox('a'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    const watched = faultOf(session.watch(watching));
    await server.seen('IDLE', 1);
    expect(clock.pending).toBe(1);
    session.destroy();
    await watched;
    expect([clock.pending, await session.closed]).toEqual([0, null]);
    await server.deserted();
  });

  test('a loop over messages that is left early closes the connection', async () => {
    const server = await start(inbox('a', 'b', 'c'));
    const clock = new FakeClock();
    const session = await opened(server, { clock });
    for await (const { uid } of session.fetch([1, 2, 3], 10, never)) {
      if (uid === 1) break;
    }
    expect([clock.pending, await session.closed]).toEqual([0, null]);
    await server.deserted();
  });
});

/** Makes UID FETCH count what it has written, and tell when the client stops reading. */
function countingWrites(server: ScriptedImap): {
  readonly blocked: Promise<void>;
  readonly sent: () => number;
} {
  let sent = 0;
  let tell = (): void => undefined;
  const blocked = new Promise<void>((resolve) => (tell = resolve));
  server.on('UID FETCH', async (context) => {
    for (const message of context.messages) {
      const writing = context.connection.write(fetchResponse(context, message));
      sent += 1;
      if (context.connection.socket.writableNeedDrain) setImmediate(() => sent > 8 && tell());
      await writing;
    }
    await context.answer('OK done');
  });
  return { blocked, sent: () => sent };
}
