import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFaultLink, type FaultLink } from './fault-link.ts';
import { seeded } from './random.ts';

const CALM = { latencyMs: 0, jitterMs: 0, bytesPerSecond: null, isSliced: false };
/** Sends back what it gets, piece by piece. */
const echo = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
});
const clients: Socket[] = [];
let link: FaultLink;

beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  link = await openFaultLink({ name: 'test', target: { host: '127.0.0.1', port }, random: seeded(1) });
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await link.close();
  echo.close();
});

function dial(): Socket {
  const client = connect({ host: '127.0.0.1', port: link.port });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** Also with an error, which `once` would reject with. */
const closing = (client: Socket): Promise<void> =>
  new Promise((resolve) => client.once('close', () => resolve()));

/** What comes back until there are as many bytes as were sent. */
async function echoed(client: Socket, text: string): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  client.write(text);
  let length = 0;
  while (length < text.length) {
    const [piece] = (await once(client, 'data')) as [Buffer];
    pieces.push(piece);
    length += piece.length;
  }
  return pieces;
}

const TEXT = 'abcdefghij'.repeat(200);

describe('a link', () => {
  it.each([
    ['calm', null],
    ['slow', { ...CALM, latencyMs: 30, jitterMs: 20 }],
    ['narrow', { ...CALM, bytesPerSecond: 20_000 }],
    ['sliced', { ...CALM, isSliced: true }],
  ])('that is %s changes no byte and no order', async (_name, weather) => {
    link.setWeather(weather);
    const client = dial();
    const begun = performance.now();
    const pieces = await echoed(client, TEXT);
    const tookMs = performance.now() - begun;
    link.setWeather(null);
    expect(Buffer.concat(pieces).toString()).toBe(TEXT);
    if (weather !== null && weather.latencyMs > 0) expect(tookMs).toBeGreaterThan(55);
    if (weather?.bytesPerSecond === 20_000) expect(tookMs).toBeGreaterThan(90);
    if (weather?.isSliced === true) expect(pieces.length).toBeGreaterThan(3);
    client.end();
    await once(client, 'close');
  });

  it('that is a black hole passes nothing, tells no end, and gives everything when it heals', async () => {
    const client = dial();
    await echoed(client, 'before');
    link.blackHole('open');
    let isQuiet = true;
    client.once('data', () => (isQuiet = false));
    client.write('into the hole');
    const other = dial();
    // Another connection works, so the first one had its time.
    expect(Buffer.concat(await echoed(other, 'beside it')).toString()).toBe('beside it');
    expect(isQuiet).toBe(true);
    const healed = once(client, 'data');
    link.heal('goOn');
    expect(String((await healed)[0])).toBe('into the hole');
  });

  it('that is a black hole for all takes new connections and leaves them without an answer', async () => {
    link.blackHole('all');
    const client = dial();
    await once(client, 'connect');
    const answer = once(client, 'data');
    client.write('hello');
    link.heal('goOn');
    expect(String((await answer)[0])).toBe('hello');
  });

  it('that is healed by a reset resets what hung', async () => {
    const client = dial();
    await echoed(client, 'x');
    link.blackHole('open');
    const failed = once(client, 'error').catch((error: unknown) => [error]);
    link.heal('reset');
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it('that ends its connections ends them in order', async () => {
    const client = dial();
    await echoed(client, 'x');
    const ended = once(client, 'end');
    link.end();
    await ended;
  });

  it('that refuses has no connections and takes none, until it accepts again', async () => {
    const client = dial();
    await echoed(client, 'x');
    const closed = closing(client);
    await link.refuse();
    await closed;
    const refused = dial();
    await closing(refused);
    expect(refused.bytesRead).toBe(0);
    await link.accept();
    expect(Buffer.concat(await echoed(dial(), 'again')).toString()).toBe('again');
  });
});
