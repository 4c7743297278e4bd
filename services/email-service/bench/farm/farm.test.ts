/** The farm serves what it says: byte for byte, to the client that it is made for. */
import { ImapFlow } from 'imapflow';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCommand } from './farm-commands.ts';
import { FarmMailbox, parseSet } from './farm-mailbox.ts';
import { sizeOf, sliceOf, subjectOf, type MessageSpec } from './farm-message.ts';
import { startFarmServer } from './farm-server.ts';

const SPEC: MessageSpec = { uid: 7, bytes: 700_000, kind: 'attachment', series: 's', user: 'u' };

describe('a message', () => {
  const whole = (spec: MessageSpec): Buffer => Buffer.concat(sliceOf(spec, 0, Number.MAX_SAFE_INTEGER));

  it.each(['text', 'attachment'] as const)('is as large as it says (%s)', (kind) => {
    for (const bytes of [10, 2_000, 700_000]) {
      const spec = { ...SPEC, bytes, kind };
      expect(whole(spec).length).toBe(sizeOf(spec));
      if (bytes > 1_000) expect(Math.abs(sizeOf(spec) - bytes)).toBeLessThan(100);
    }
  });
  it('is the same in slices', () => {
    const all = whole(SPEC);
    for (const length of [1, 333, 65_536, 1_048_576]) {
      const start = 262_000;
      expect(Buffer.concat(sliceOf(SPEC, start, length)).equals(all.subarray(start, start + length))).toBe(
        true,
      );
    }
    expect(Buffer.concat(sliceOf(SPEC, all.length - 3, 100)).length).toBe(3);
    expect(sliceOf(SPEC, all.length, 100)).toEqual([]);
  });
  it('says in its subject which one it is, and ends its parts', () => {
    const text = whole(SPEC).toString();
    expect(text).toContain(`\r\nSubject: ${subjectOf(SPEC)}\r\n`);
    expect(text).toMatch(/\r\n--b--\r\n$/);
  });
});

describe('a mailbox', () => {
  const mailbox = new FarmMailbox('u', 100);
  mailbox.add({ count: 10, bytes: 100, kind: 'text', series: 'first' });
  mailbox.add({ count: 5, bytes: 200, kind: 'text', series: 'second' });

  it('gives UIDs without gaps, behind what is gone', () => {
    expect([mailbox.exists, mailbox.uidNext]).toEqual([15, 116]);
    expect(mailbox.uidsIn([[1, 102]])).toEqual([101, 102]);
    const overlapping = [
      [114, 999],
      [101, 102],
      [102, 103],
    ] as const;
    expect(mailbox.uidsIn(overlapping)).toEqual([101, 102, 103, 114, 115]);
    expect(mailbox.uidsIn(mailbox.uidsOfSequence([[14, 99]]))).toEqual([114, 115]);
    expect(mailbox.sequenceOf(101)).toBe(1);
  });
  it('knows which series a UID is of', () => {
    expect([110, 111].map((uid) => mailbox.message(uid)?.series)).toEqual(['first', 'second']);
    expect([100, 116].map((uid) => mailbox.message(uid))).toEqual([null, null]);
  });
});

describe('a sequence set', () => {
  it.each([
    [
      '1:5,7',
      9,
      [
        [1, 5],
        [7, 7],
      ],
    ],
    ['20:*', 9, [[9, 20]]],
    ['*', 9, [[9, 9]]],
    ['UID', 9, null],
    ['1;2', 9, null],
  ])('%s', (text, last, intervals) => expect(parseSet(text, last)).toEqual(intervals));
});

describe('a command', () => {
  it.each([
    ['A1 uid fetch 1:2 (UID)', { tag: 'A1', name: 'UID FETCH', rest: '1:2 (UID)' }],
    ['2 IDLE', { tag: '2', name: 'IDLE', rest: '' }],
  ])('%s', (line, command) => expect(parseCommand(line)).toEqual(command));
});

describe('the server, to imapflow', async () => {
  const farm = await startFarmServer();
  const client = new ImapFlow({
    ...{ host: '127.0.0.1', port: farm.port, secure: false, doSTARTTLS: false },
    ...{ auth: { user: 'u', pass: 'x' }, logger: false, disableAutoIdle: true },
  });
  client.on('error', () => undefined);
  afterAll(async () => {
    client.close();
    await farm.close();
  });

  it('logs in, opens, searches and fetches', async () => {
    farm.deliver(['u'], { count: 3, bytes: 5_000, kind: 'attachment', series: 'mail' });
    await client.connect();
    const opened = await client.mailboxOpen('INBOX', { readOnly: true });
    expect([opened.exists, opened.uidNext]).toEqual([3, 4]);
    expect(await client.search({ uid: '2:*' }, { uid: true })).toEqual([2, 3]);
    expect(await client.search({ seq: '3:*', since: new Date('2025-01-01') }, { uid: true })).toEqual([3]);
    const rows = [];
    const query = { uid: true, size: true, internalDate: true, source: { start: 100, maxLength: 50 } };
    for await (const row of client.fetch('1:*', query, { uid: true })) rows.push(row);
    expect(rows.map(({ uid }) => uid)).toEqual([1, 2, 3]);
    const spec: MessageSpec = { ...SPEC, uid: 2, bytes: 5_000, series: 'mail' };
    expect(rows[1]?.source?.toString()).toBe(Buffer.concat(sliceOf(spec, 100, 50)).toString());
    expect(rows[1]?.size).toBe(sizeOf(spec));
  });
  it('tells who idles of new mail, and counts them', async () => {
    const told = new Promise<number>((resolve) => {
      client.once('exists', ({ count }) => resolve(count));
    });
    void client.idle();
    await expect.poll(() => farm.state().idling).toBe(1);
    farm.deliver(['u'], { count: 2, bytes: 100, kind: 'text', series: 'more' });
    expect(await told).toBe(5);
    await client.noop();
    expect(farm.state()).toMatchObject({ connections: 1, idling: 0 });
  });
  it('refuses what it does not serve', async () => {
    await expect(
      (async () => {
        for await (const row of client.fetch('1', { envelope: true }, { uid: true })) expect(row).toBeNull();
      })(),
    ).rejects.toThrow('Command failed');
  });
});
