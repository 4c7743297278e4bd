/** The session against a server that misbehaves on request. */
import { getEventListeners } from 'node:events';
import type { Clock } from '@mailstream/shared/domain/time';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import type { ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import * as faults from '@mailstream/shared/testing/scripted-imap-faults';
import { describe, expect, test } from 'vitest';
import type { ImapSession } from '../src/ports/imap.ts';
import { WatchStop } from '../src/ports/watch-stop.ts';
import { all, connect, faultOf, inbox, never, opened, start, watching } from './imap-session-setup.ts';

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();

describe('opening a folder', () => {
  test('uses EXAMINE and tells what the server said', async () => {
    const server = await start(inbox('a', 'b'));
    const session = await connect(server);
    expect(await session.open('INBOX')).toEqual({
      path: 'INBOX',
      uidValidity: 7,
      uidNext: 3,
      exists: 2,
      uidNotSticky: false,
    });
    expect(server.commands.map(({ name }) => name)).not.toContain('SELECT');
  });

  test.each(['INBOX', 'inbox', 'Größe/Eingang'])('asks nothing else about %s', async (name) => {
    const server = await start({ folders: { INBOX: {}, 'Größe/Eingang': {} } });
    const session = await connect(server);
    const before = server.commands.length;
    await session.open(name);
    expect(server.commands.slice(before).map((command) => command.name)).toEqual(['EXAMINE']);
  });

  test('finds a folder that is written in another case, and INBOX in any case', async () => {
    const server = await start({ folders: { INBOX: {}, 'Größe/Eingang': { uidValidity: 3 } } });
    const session = await connect(server);
    expect((await session.open('größe/eingang')).path).toBe('Größe/Eingang');
    expect((await session.open('inbox')).path).toBe('INBOX');
  });

  test('takes the exact name where two differ only in case, and refuses to guess between others', async () => {
    const server = await start({
      folders: { INBOX: {}, Work: { uidValidity: 3 }, work: { uidValidity: 4 } },
    });
    const session = await connect(server);
    expect((await session.open('work')).uidValidity).toBe(4);
    expect(await faultOf(session.open('WORK'))).toMatchObject({
      kind: 'folderGone',
      code: 'IMAP_FOLDER_MISSING',
    });
    expect((await session.open('Work')).uidValidity).toBe(3);
  });

  test('opens folders outside the personal namespace, and finds one inside it by its short name', async () => {
    const server = await start({
      namespacePrefix: 'INBOX.',
      delimiter: '.',
      folders: { INBOX: {}, 'INBOX.Sent': { uidValidity: 5 }, 'shared.Team': { uidValidity: 6 } },
    });
    const session = await connect(server);
    expect((await session.open('shared.Team')).uidValidity).toBe(6);
    expect((await session.open('Sent')).path).toBe('INBOX.Sent');
  });

  test.each(['a\r\nA1 DELETE INBOX', 'a\u0000', '', 'x'.repeat(2_000), '\ud800'])(
    'refuses the name %j without sending it',
    async (name) => {
      const server = await start();
      const session = await connect(server);
      const before = server.commands.length;
      expect(await faultOf(session.open(name))).toMatchObject({ kind: 'folderGone' });
      expect(server.commands.length).toBe(before);
    },
  );

  test('says when the server does not keep UIDs', async () => {
    const server = await start({ folders: { INBOX: { uidNotSticky: true } } });
    const session = await connect(server);
    expect((await session.open('INBOX')).uidNotSticky).toBe(true);
  });

  test('ends the session when UIDVALIDITY changes under it', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID SEARCH', async ({ connection }): Promise<false> => {
      await connection.untagged('OK [UIDVALIDITY 8] changed');
      return false;
    });
    expect(await faultOf(session.listUids(1, []))).toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
    expect(await session.closed).toMatchObject({ detail: 'UIDVALIDITY of the open folder has changed' });
  });
});

describe('listing UIDs', () => {
  test('does not fall for n:*, which always yields the last message', async () => {
    const session = await opened(await start(inbox('a', 'b', 'c')));
    expect(await session.listUids(4, [])).toEqual([]);
    expect(await session.listUids(3, [1])).toEqual([1, 3]);
    expect(await session.listUids(2 ** 32, [2, 9])).toEqual([2]);
  });

  test('sorts, and drops doubles and what was not asked for', async () => {
    const server = await start(inbox('a', 'b', 'c', 'd'));
    const session = await opened(server);
    server.on('UID SEARCH', faults.unsortedUids(1, 0, 4_294_967_296));
    expect(await session.listUids(2, [])).toEqual([2, 3, 4]);
  });

  test('splits long sets so that no command line is long', async () => {
    const server = await start({ folders: { INBOX: {} } });
    for (let uid = 1; uid <= 2_000; uid += 1) server.folder('INBOX').add('x');
    const session = await opened(server);
    const odd = Array.from({ length: 1_000 }, (_, index) => 2 * index + 1);
    expect(await session.listUids(2_001, odd)).toEqual(odd);
    expect(Math.max(...server.commands.map(({ line }) => line.length))).toBeLessThan(1_000);
  });

  /** A folder that is told of line by line, and whose messages are numbered without a gap. */
  const numbered = (server: ScriptedImap, told: readonly string[], count: number): number[] => {
    const messages = Array.from({ length: count }, (_, index) => index + 1);
    server.on('EXAMINE', async ({ connection, tag }) => {
      connection.folder = server.folder('INBOX');
      await connection.write(`${told.map((line) => `* ${line}\r\n`).join('')}${tag} OK [READ-ONLY] done\r\n`);
    });
    server.on('UID SEARCH', (context) => {
      const [first = 0, last = 0] = String(context.args[0] === 'UID' ? '1:*' : context.args[0])
        .split(':')
        .map((end) => (end === '*' ? count : Number(end)));
      context.uids = messages.slice(first - 1, last);
      return false;
    });
    return messages;
  };
  /** What each began with: the sequence numbers, or UID where it had none. */
  const searches = (server: ScriptedImap): readonly unknown[] =>
    server.commands.filter(({ name }) => name === 'UID SEARCH').map(({ line }) => line.split(' ')[2]);

  test('searches a huge folder in parts', async () => {
    const server = await start({ folders: { INBOX: {} } });
    const told = ['24000 EXISTS', 'OK [UIDVALIDITY 7] x', 'OK [UIDNEXT 500000] x'];
    const messages = numbered(server, told, 24_000);
    const session = await opened(server);
    expect(await session.listUids(1, [])).toEqual(messages);
    expect(searches(server)).toEqual(['19001:*', '14001:19000', '9001:14000', '4001:9000', '1:4000']);
  });

  test.each([
    ['in parts where it is a lot', 1, ['19001:*', '14001:19000', '9001:14000', '4001:9000', '1:4000']],
    ['at once where it is little, however large the folder', 23_998, ['UID']],
  ])('searches what has come since the folder was opened %s', async (_, known, parts) => {
    const server = await start({ folders: { INBOX: {} } });
    const told = [`${known} EXISTS`, 'OK [UIDVALIDITY 7] x', `OK [UIDNEXT ${known + 1}] x`];
    const messages = numbered(server, told, 24_000);
    server.on('IDLE', async ({ connection }): Promise<false> => {
      await connection.write('* 24000 EXISTS\r\n');
      return false;
    });
    const session = await opened(server);
    expect(await session.watch(watching)).toBe('changed');
    expect(await session.listUids(known + 1, [])).toEqual(messages.slice(known));
    expect(searches(server)).toEqual(parts);
  });

  test('asks again where the server answers from what it had told before', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.on('UID SEARCH', faults.searchBehind());
    server.deliver('INBOX', 'b');
    expect(await session.listUids(1, [])).toEqual([1, 2]);
    expect(await session.listUids(1, [])).toEqual([1, 2]);
    expect(server.commands.filter(({ name }) => name === 'UID SEARCH')).toHaveLength(3);
  });

  describe('where the server has ESEARCH', () => {
    const capabilities = ['IMAP4rev1', 'SASL-IR', 'AUTH=PLAIN', 'ESEARCH'];
    const searches = (server: ScriptedImap): readonly string[] =>
      server.commands.filter(({ name }) => name === 'UID SEARCH').map(({ line }) => line);

    test('asks for ranges', async () => {
      const server = await start({ ...inbox('a', 'b', 'c', 'd'), capabilities });
      const session = await opened(server);
      expect(await session.listUids(2, [1, 9])).toEqual([1, 2, 3, 4]);
      expect(await session.listUids(5, [])).toEqual([]);
      expect(searches(server)).toEqual([
        'UID SEARCH RETURN (COUNT ALL) UID 1',
        'UID SEARCH RETURN (COUNT ALL) UID 2:*',
        'UID SEARCH RETURN (COUNT ALL) UID 5:*',
      ]);
    });

    test.each([
      ['names fewer than it counts', 'ESEARCH (TAG "x") UID COUNT 4 ALL 1:3'],
      ['names everything there could be', 'ESEARCH (TAG "x") UID COUNT 4 ALL 1:4294967295'],
      ['says nothing', 'OK nothing'],
      ['answers with numbers, as if it did not know', 'SEARCH 1 2 3 4'],
    ])('asks for numbers when it %s, and from then on', async (_what, line) => {
      const server = await start({ ...inbox('a', 'b', 'c', 'd'), capabilities });
      const session = await opened(server);
      server.on('UID SEARCH', async ({ connection, args, answer }) => {
        if (args[0] !== 'RETURN') return false;
        await connection.untagged(line);
        return answer('OK done');
      });
      expect(await session.listUids(1, [])).toEqual([1, 2, 3, 4]);
      expect(await session.listUids(3, [])).toEqual([3, 4]);
      expect(searches(server)).toEqual([
        'UID SEARCH RETURN (COUNT ALL) UID 1:*',
        'UID SEARCH UID 1:*',
        'UID SEARCH UID 3:*',
      ]);
    });

    test.each(['BAD what is RETURN?', 'NO [CANNOT] not here'])(
      'asks for numbers after %s',
      async (refusal) => {
        const server = await start({ ...inbox('a', 'b'), capabilities });
        const session = await opened(server);
        server.on('UID SEARCH', ({ args, answer }) => (args[0] === 'RETURN' ? answer(refusal) : false));
        expect(await session.listUids(1, [])).toEqual([1, 2]);
        expect(searches(server)).toHaveLength(2);
      },
    );

    test('a connection that ends meanwhile is a fault', async () => {
      const server = await start({ ...inbox('a'), capabilities });
      const session = await opened(server);
      server.on('UID SEARCH', ({ connection }) => void connection.socket.destroy());
      expect(await faultOf(session.listUids(1, []))).toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
      expect(searches(server)).toHaveLength(1);
    });
  });

  test('lists by day', async () => {
    const server = await start();
    server.folder('INBOX').add('a', { internalDate: new Date('2024-01-01T12:00:00Z') });
    server.folder('INBOX').add('b', { internalDate: new Date('2024-03-01T12:00:00Z') });
    const session = await opened(server);
    expect(await session.listUidsSince('2024-02-01')).toEqual([2]);
  });

  test('a refused search is a fault, and the session goes on', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID SEARCH', ({ answer }) => answer('NO [SERVERBUG] not now'));
    expect(await faultOf(session.listUids(1, []))).toMatchObject({
      kind: 'transient',
      code: 'IMAP_SERVER_REFUSED',
    });
    expect(await session.listUids(1, [])).toEqual([1]);
  });
});

describe('fetching', () => {
  test('lets others have the event loop between messages that have come already', async () => {
    const messages = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    const server = await start(inbox(...messages));
    // A millisecond passes with every look at the clock.
    let nowMs = 0;
    const session = await connect(server, { clock: { ...systemClock, monotonicMs: () => (nowMs += 1) } });
    await session.open('INBOX');
    let turns = 0;
    let next: NodeJS.Immediate;
    const count = (): void => {
      turns++;
      next = setImmediate(count);
    };
    next = setImmediate(count);
    const rows = await all(
      session.fetch(
        [...messages.keys()].map((index) => index + 1),
        100,
        never,
      ),
    );
    clearImmediate(next);
    expect(rows).toHaveLength(messages.length);
    expect(turns).toBeGreaterThanOrEqual(messages.length);
  });

  test('gives the first bytes of each message and never anything but PEEK', async () => {
    const server = await start(inbox('0123456789', 'abc', ''));
    const session = await opened(server);
    const messages = await all(session.fetch([1, 2, 3], 4, never));
    expect(
      messages.map(({ uid, head, maybeMore, announcedSize }) => [uid, text(head), maybeMore, announcedSize]),
    ).toEqual([
      [1, '0123', true, 10],
      [2, 'abc', false, 3],
      [3, '', false, 0],
    ]);
    expect(messages[0]?.internalDate).toBeInstanceOf(Date);
    expect(server.commands.filter(({ line }) => /BODY\[|RFC822[^.]|STORE|SELECT/.test(line))).toEqual([]);
  });

  test('reads the rest in parts, byte by byte the same', async () => {
    const raw = Array.from(
      { length: 100 },
      (_, index) => `line ${index} (x) {3}\r\nA5 OK FETCH completed\r\n`,
    ).join('');
    const session = await opened(await start(inbox(raw)));
    for (const chunk of [7, 1_000, raw.length, raw.length + 1]) {
      let read = '';
      for await (const part of session.fetchRest(1, 10, () => chunk, never)) read += text(part);
      expect(read).toBe(raw.slice(10));
    }
  });

  test('asks for each part of a message what may be held at that moment', async () => {
    const server = await start(inbox('0123456789'));
    const session = await opened(server);
    const mayHold = [5, 2, 4];
    const parts: (string | null)[] = [];
    for await (const part of session.fetchRest(1, 0, () => mayHold.shift() ?? 0, never))
      parts.push(text(part));
    expect(parts).toEqual(['01234', '56', '789']);
  });

  test('the rest of a message that goes away half-way is a fault, never a short message', async () => {
    const server = await start(inbox('0123456789'));
    const session = await opened(server);
    const read = (async () => {
      for await (const part of session.fetchRest(1, 0, () => 4, never)) {
        void part;
        server.expunge('INBOX', 1);
      }
    })();
    expect(await faultOf(read)).toMatchObject({ kind: 'transient', code: 'IMAP_PROTOCOL' });
  });

  test('leaves out what the server leaves out', async () => {
    const server = await start(inbox('a', 'b', 'c'));
    const session = await opened(server);
    server.once('UID FETCH', faults.omitUids(2));
    expect((await all(session.fetch([1, 2, 3], 9, never))).map(({ uid }) => uid)).toEqual([1, 3]);
    expect((await all(session.fetch([2], 9, never))).map(({ uid }) => uid)).toEqual([2]);
  });

  test('yields each UID once and none that was not asked for', async () => {
    const server = await start(inbox('a', 'b', 'c', 'd'));
    const session = await opened(server);
    server.on('UID FETCH', faults.unaskedUids(1, 4));
    server.on('UID FETCH', faults.duplicateFetch());
    expect((await all(session.fetch([2, 3], 9, never))).map(({ uid }) => uid)).toEqual([2, 3]);
  });

  test('has no head where the server says OK without a body', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID FETCH', faults.okWithoutBody());
    expect(await all(session.fetch([1], 9, never))).toMatchObject([{ uid: 1, head: null, maybeMore: false }]);
  });

  test('NO "some of the requested messages no longer exist" leaves the messages that came', async () => {
    const server = await start(inbox('a', 'b', 'c'));
    const session = await opened(server);
    server.once('UID FETCH', faults.noLongerExist(1));
    expect((await all(session.fetch([1, 2, 3], 9, never))).map(({ uid }) => uid)).toEqual([1]);
  });

  test.each([1, 299_961, 99_999_999])(
    'a throttled FETCH ends at once with the pause of %i ms, capped',
    async (hint) => {
      const server = await start(inbox('a'));
      const session = await opened(server);
      server.on('UID FETCH', faults.throttled(4, hint));
      expect(await faultOf(all(session.fetch([1], 9, never)))).toMatchObject({
        kind: 'throttled',
        code: 'IMAP_THROTTLED',
        retryAfterMs: Math.min(hint, 900_000),
      });
      expect(await session.closed).toMatchObject({ kind: 'throttled' });
      expect(server.commands.filter(({ name }) => name === 'UID FETCH')).toHaveLength(1);
    },
  );

  test('a refused FETCH is a fault of that command, and the session goes on', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID FETCH', ({ answer }) => answer('BAD Command Argument Error 11'));
    expect(await faultOf(all(session.fetch([1], 9, never)))).toMatchObject({
      kind: 'transient',
      code: 'IMAP_PROTOCOL',
    });
    expect(await all(session.fetch([1], 9, never))).toHaveLength(1);
  });

  test('BYE in the middle of a literal is a lost connection, not a message', async () => {
    const server = await start(inbox('0123456789'.repeat(20)));
    const session = await opened(server);
    server.once('UID FETCH', faults.byeInLiteral());
    expect(await faultOf(all(session.fetch([1], 1_000, never)))).toMatchObject({
      code: 'IMAP_CONNECTION_LOST',
    });
  });

  test('a literal of 5 GB is refused when it is announced', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('UID FETCH', faults.hugeLiteral(5_000_000_000));
    expect(await faultOf(all(session.fetch([1], 1_000, never)))).toMatchObject({ code: 'IMAP_PROTOCOL' });
  });

  test('aborting closes the connection and leaves nothing on the signal', async () => {
    const server = await start(inbox('a', 'b'));
    const session = await opened(server);
    const abort = new AbortController();
    server.once('UID FETCH', faults.silence());
    const fetching = faultOf(all(session.fetch([1, 2], 9, abort.signal)));
    await server.seen('UID FETCH', 1);
    abort.abort();
    expect(await fetching).toMatchObject({ detail: 'stopped by the caller' });
    expect(await session.closed).toBeNull();
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  test('tells sizes without bodies', async () => {
    const server = await start(inbox('abc', 'defgh'));
    const session = await opened(server);
    const sizes = await session.sizes([1, 2, 3]);
    expect([...sizes].map(([uid, { size }]) => [uid, size])).toEqual([
      [1, 3],
      [2, 5],
    ]);
    expect(server.commands.at(-1)?.line).not.toContain('BODY');
  });
});

describe('watching', () => {
  test('a delivery ends IDLE with "changed", and the next command works', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    const watched = session.watch(watching);
    await server.seen('IDLE', 1);
    server.deliver('INBOX', 'b');
    expect(await watched).toBe('changed');
    expect(await session.listUids(2, [])).toEqual([2]);
  });

  test('what came since the last listing is news at once', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    await session.listUids(1, []);
    server.deliver('INBOX', 'b');
    await all(session.fetch([1], 9, never));
    expect(await session.watch(watching)).toBe('changed');
    expect(server.commands.map(({ name }) => name)).not.toContain('IDLE');
  });

  test('who ignores hints is not disturbed by them, and hears of them at the next watch', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    await session.listUids(1, []);
    server.deliver('INBOX', 'b');
    await all(session.fetch([1], 9, never));
    const held = session.watch({ ...watching, ignoresHints: true, deadlineMs: 100 });
    await server.seen('IDLE', 1);
    server.deliver('INBOX', 'c');
    expect(await held).toBe('elapsed');
    expect(server.commands.filter(({ name }) => name === 'IDLE')).toHaveLength(1);
    expect(await session.watch(watching)).toBe('changed');
  });

  test('a wait whose timer fires early asks the server nothing at its end', async () => {
    const server = await start(inbox('a'));
    // Node counts from the begin of a turn of the event loop: a timer that a long turn sets fires that much too early.
    const early: Clock = { ...systemClock, schedule: (ms, action) => systemClock.schedule(ms - 20, action) };
    const session = await opened(server, { clock: early });
    expect(await session.watch({ ...watching, deadlineMs: 60 })).toBe('elapsed');
    expect(server.commands.map(({ name }) => name)).not.toContain('NOOP');
  });

  test('one message gone and one come is news, though the number is the same', async () => {
    const server = await start(inbox('a', 'b'));
    const session = await opened(server);
    const watched = session.watch(watching);
    await server.seen('IDLE', 1);
    server.expunge('INBOX', 1);
    server.deliver('INBOX', 'c');
    expect(await watched).toBe('changed');
  });

  test('IDLE is renewed, and a push that never came is found out then', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('IDLE', async ({ connection, answer }) => {
      await connection.line('+ idling');
      await connection.reader.readLine();
      await answer('OK done');
    });
    const watched = session.watch({ ...watching, renewMs: 30 });
    await server.seen('IDLE', 1);
    server.deliver('INBOX', 'b');
    expect(await watched).toBe('changed');
  });

  test('without IDLE it polls with NOOP', async () => {
    const server = await start({ ...inbox('a'), capabilities: ['IMAP4rev1', 'AUTH=PLAIN'] });
    const session = await opened(server);
    const watched = session.watch({ ...watching, pollMs: 20 });
    await server.seen('NOOP', 2);
    server.deliver('INBOX', 'b');
    expect(await watched).toBe('changed');
    expect(server.commands.map(({ name }) => name)).not.toContain('IDLE');
  });

  test('the deadline ends it, and so does who wants it to end', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    expect(await session.watch({ ...watching, deadlineMs: 20 })).toBe('elapsed');
    const stop = new WatchStop();
    const watched = session.watch({ ...watching, stop });
    stop.stop();
    expect(await watched).toBe('stopped');
    expect(stop.onStop).toBeNull();
    expect(await session.watch({ ...watching, stop })).toBe('stopped');
    expect(await session.listUids(1, [])).toEqual([1]);
  });

  test.each([
    ['refuses IDLE', (server: ScriptedImap) => server.on('IDLE', ({ answer }) => answer('NO not here'))],
    [
      'ends IDLE at once',
      (server: ScriptedImap) =>
        server.on('IDLE', async ({ connection, answer }) => {
          await connection.line('+ idling');
          await answer('OK done');
        }),
    ],
  ])('a server that %s gets polling, after a fault that says so', async (_what, misbehave) => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    misbehave(server);
    expect(await faultOf(session.watch(watching))).toMatchObject({ code: 'IMAP_IDLE_REFUSED' });
    expect(await session.watch({ ...watching, useIdle: false, deadlineMs: 10 })).toBe('elapsed');
  });

  test('the end of the connection ends it with the reason', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    const watched = faultOf(session.watch(watching));
    await server.seen('IDLE', 1);
    server.dropConnections();
    expect(await watched).toMatchObject({ kind: 'transient', code: 'IMAP_CONNECTION_LOST' });
  });

  test('a BYE that speaks of too many connections is told as such', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    server.once('IDLE', faults.bye('Too many simultaneous connections'));
    expect(await faultOf(session.watch(watching))).toMatchObject({ code: 'IMAP_TOO_MANY_CONNECTIONS' });
    expect(await session.closed).toMatchObject({ kind: 'throttled' });
  });
});

describe('ending', () => {
  test('logout says LOGOUT, out of IDLE too, and closed has no fault', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    const stop = new WatchStop();
    const watched = session.watch({ ...watching, stop });
    await server.seen('IDLE', 1);
    stop.stop();
    await watched;
    await session.logout();
    expect(server.commands.at(-1)?.name).toBe('LOGOUT');
    expect(await session.closed).toBeNull();
  });

  test('logout gives up on a server that does not answer', async () => {
    const server = await start();
    const session: ImapSession = await connect(server);
    server.on('LOGOUT', faults.silence());
    await session.logout();
    expect(await session.closed).toBeNull();
  });

  test('every method of a session that has ended rejects', async () => {
    const server = await start(inbox('a'));
    const session = await opened(server);
    session.destroy();
    for (const work of [
      session.open('INBOX'),
      session.listUids(1, []),
      session.sizes([1]),
      all(session.fetch([1], 9, never)),
      session.watch(watching),
    ]) {
      expect(await faultOf(work)).toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
    }
    await session.logout();
  });
});
