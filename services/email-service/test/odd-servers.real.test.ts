/**
 * Mail servers that break the rules (issue 2): whatever they do, nothing is lost, memory stays bounded and the neighbour goes on.
 * One daemon serves all of them at once; each test has a mailbox of its own on a scripted server, and a quiet neighbour on another.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  byeInLiteral,
  deafIdle,
  drip,
  hugeLiteral,
  noLongerExist,
  okWithoutBody,
  omitUids,
  throttled,
  unsortedUids,
  untaggedFlood,
} from '@mailstream/shared/testing/scripted-imap-faults';
import { startScriptedImap, type ScriptedImap } from '@mailstream/shared/testing/scripted-imap';
import {
  isWatching,
  startDaemon,
  useWorld,
  type Daemon,
  type SeededProvider,
  type StreamEntry,
} from './daemon.ts';

const world = await useWorld();
let daemon: Daemon;
let neighbour: ScriptedImap;
let neighbourProvider: SeededProvider;
const servers: ScriptedImap[] = [];

beforeAll(async () => {
  neighbour = await startScriptedImap();
  daemon = startDaemon({
    ...world.env,
    IMAP_CONNECTION_TIMEOUT_MS: '2000',
    IMAP_POLL_INTERVAL_MS: '1000',
    IMAP_IDLE_RENEW_MS: '1000',
  });
  neighbourProvider = await world.addProvider({
    host: neighbour.host,
    port: neighbour.port,
    username: 'n',
    password: 'secret',
  });
  await daemon.waitForLog(isWatching('INBOX', neighbourProvider.id));
});

afterAll(async () => {
  expect(await daemon.stop()).toBe(0);
  for (const server of [...servers, neighbour]) await server.close();
});

function raw(subject: string): string {
  return `From: a@example.com\r\nTo: b@example.com\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.com>\r\n\r\nbody of ${subject}\r\n`;
}

/** A provider on a server of its own, watching, with its baseline stored. */
async function connected(server: ScriptedImap): Promise<SeededProvider> {
  servers.push(server);
  const provider = await world.addProvider({
    host: server.host,
    port: server.port,
    username: 'u',
    password: 'secret',
  });
  await daemon.waitForLog(isWatching('INBOX', provider.id));
  return provider;
}

/** Subjects of the provider's events, once there are `count` of them, in the order of the stream. */
async function subjects(provider: SeededProvider, count: number): Promise<readonly string[]> {
  const mine = (entries: readonly StreamEntry[]): readonly string[] =>
    entries
      .filter((entry) => entry.payload.providerId === provider.id)
      .map((entry) => entry.payload.emailData.subject);
  let total = count;
  for (;;) {
    const entries = await world.entries(total);
    const found = mine(entries);
    if (found.length >= count) return found;
    total = entries.length + (count - found.length);
  }
}

/** The neighbour's mail comes through while the odd server misbehaves. */
async function neighbourWorks(subject: string): Promise<void> {
  neighbour.deliver('INBOX', raw(subject));
  expect((await subjects(neighbourProvider, 1)).length).toBeGreaterThan(0);
  let seen = await subjects(neighbourProvider, 1);
  for (let count = seen.length; !seen.includes(subject); count = seen.length + 1)
    seen = await subjects(neighbourProvider, count);
}

async function peakMemoryMib(): Promise<number> {
  const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('an odd mail server', () => {
  it('that lists UIDs out of order and more than was asked for loses nothing and doubles nothing', async () => {
    const server = await startScriptedImap();
    server.on('UID SEARCH', unsortedUids());
    const provider = await connected(server);
    for (const n of [1, 2, 3]) server.deliver('INBOX', raw(`unsorted-${n}`));
    expect(await subjects(provider, 3)).toEqual(['unsorted-1', 'unsorted-2', 'unsorted-3']);
  });

  it('that leaves a UID out of a FETCH is asked for it again', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID FETCH', omitUids(2));
    server.once('UID FETCH', omitUids(2));
    for (const n of [1, 2, 3]) server.deliver('INBOX', raw(`omitted-${n}`));
    expect([...(await subjects(provider, 3))].sort()).toEqual(['omitted-1', 'omitted-2', 'omitted-3']);
  });

  it('that throttles four FETCHes in a row still delivers', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.on('UID FETCH', throttled(4, 1));
    server.deliver('INBOX', raw('throttled-1'));
    await neighbourWorks('beside-throttled');
    expect(await subjects(provider, 1)).toEqual(['throttled-1']);
  });

  it('that says messages no longer exist, although they do, is not believed', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID FETCH', noLongerExist(1));
    for (const n of [1, 2, 3]) server.deliver('INBOX', raw(`exists-${n}`));
    expect([...(await subjects(provider, 3))].sort()).toEqual(['exists-1', 'exists-2', 'exists-3']);
  });

  it('that answers OK without a body is asked again', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID FETCH', okWithoutBody());
    server.deliver('INBOX', raw('bodyless-1'));
    expect(await subjects(provider, 1)).toEqual(['bodyless-1']);
  });

  it('that says BYE in the middle of a literal gets the message asked for on the next connection', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID FETCH', byeInLiteral());
    server.deliver('INBOX', raw('bye-1'));
    await neighbourWorks('beside-bye');
    expect(await subjects(provider, 1)).toEqual(['bye-1']);
  });

  it('that announces a literal of 5 GB is cut off, in bounded memory', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID FETCH', hugeLiteral(5_000_000_000));
    server.deliver('INBOX', raw('huge-1'));
    await neighbourWorks('beside-huge');
    expect(await subjects(provider, 1)).toEqual(['huge-1']);
    expect(await peakMemoryMib()).toBeLessThan(512);
  });

  it('that sends one byte now and then does not hold up its neighbour', async () => {
    const server = await startScriptedImap();
    await connected(server);
    server.once('UID FETCH', drip(10_000));
    server.deliver('INBOX', raw('drip-1'));
    await server.seen('UID FETCH', 1);
    await neighbourWorks('beside-drip');
  });

  it('that floods the connection with 100,000 untagged lines is endured in bounded memory', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    server.once('UID SEARCH', untaggedFlood(100_000));
    server.deliver('INBOX', raw('flood-1'));
    await neighbourWorks('beside-flood');
    expect(await subjects(provider, 1)).toEqual(['flood-1']);
    expect(await peakMemoryMib()).toBeLessThan(512);
  });

  it('that shows UIDs out of order loses none', async () => {
    const server = await startScriptedImap();
    const provider = await connected(server);
    const hidden = server.deliver('INBOX', raw('late-1'), { hidden: true });
    server.deliver('INBOX', raw('late-2'));
    expect(await subjects(provider, 1)).toEqual(['late-2']);
    server.reveal('INBOX', hidden.uid);
    expect(await subjects(provider, 2)).toEqual(['late-2', 'late-1']);
  });

  it('that changes UIDVALIDITY makes nothing come twice and loses nothing', async () => {
    const server = await startScriptedImap({
      folders: { INBOX: { uidValidity: 1, messages: [raw('before-baseline')] } },
    });
    const provider = await connected(server);
    for (const n of [1, 2]) server.deliver('INBOX', raw(`validity-${n}`));
    expect(await subjects(provider, 2)).toEqual(['validity-1', 'validity-2']);
    server.folder('INBOX').rebuild(99);
    server.deliver('INBOX', raw('validity-3'));
    server.dropConnections();
    expect(await subjects(provider, 3)).toEqual(['validity-1', 'validity-2', 'validity-3']);
    const rows = await world.sql<{ reason: string | null; status: string }>(
      'SELECT status, reason FROM inbound_messages WHERE provider_id = $1 AND uid_validity = 99 ORDER BY uid',
      [provider.id],
    );
    expect(rows.filter((row) => row.reason === 'same_content')).toHaveLength(2);
  });

  it('that has no IDLE is polled', async () => {
    const server = await startScriptedImap({ capabilities: ['IMAP4rev1', 'SASL-IR', 'AUTH=PLAIN'] });
    const provider = await connected(server);
    server.deliver('INBOX', raw('polled-1'));
    expect(await subjects(provider, 1)).toEqual(['polled-1']);
    expect(server.commands.filter((command) => command.name === 'IDLE')).toEqual([]);
  });

  it('that offers IDLE and refuses it is polled', async () => {
    const server = await startScriptedImap();
    server.on('IDLE', ({ answer }) => answer('NO [CANNOT] not today'));
    const provider = await connected(server);
    server.deliver('INBOX', raw('refused-1'));
    expect(await subjects(provider, 1)).toEqual(['refused-1']);
  });

  it('that accepts IDLE and then says nothing is found out by looking', async () => {
    const server = await startScriptedImap();
    server.on('IDLE', deafIdle());
    const provider = await connected(server);
    server.deliver('INBOX', raw('deaf-1'));
    expect(await subjects(provider, 1)).toEqual(['deaf-1']);
  });

  it('never sees a flag changed or a folder selected for writing', () => {
    const sent = servers.flatMap((server) =>
      server.commands.map((command) => `${command.name} ${command.args}`),
    );
    expect(sent.length).toBeGreaterThan(50);
    expect(
      sent.filter((line) =>
        /^(SELECT|STORE|UID STORE|EXPUNGE|UID EXPUNGE|COPY|UID COPY|MOVE|UID MOVE|APPEND)\b/.test(line),
      ),
    ).toEqual([]);
    expect(sent.filter((line) => /BODY\[/.test(line) || /RFC822(?!\.SIZE)/.test(line))).toEqual([]);
  });
});
