import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTcpLink, type TcpLink } from './tcp-link.ts';

const CALM = { latencyMs: 0, jitterMs: 0, bytesPerSecond: null, isSliced: false };
let echoedText = '';
/** Sends back what it gets, piece by piece. */
const echo = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (piece: Buffer) => (echoedText += piece.toString()));
  socket.pipe(socket);
});
const clients: Socket[] = [];
let link: TcpLink;

beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  link = await openTcpLink({ host: '127.0.0.1', port });
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

function openConnections(): Promise<number> {
  return new Promise((resolve, reject) => {
    echo.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
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
    link.freeze('open');
    let isQuiet = true;
    client.once('data', () => (isQuiet = false));
    client.write('into the hole');
    const other = dial();
    // Another connection works, so the first one had its time.
    expect(Buffer.concat(await echoed(other, 'beside it')).toString()).toBe('beside it');
    expect(isQuiet).toBe(true);
    const healed = once(client, 'data');
    link.thaw();
    expect(String((await healed)[0])).toBe('into the hole');
  });

  it('that is a black hole for all takes new connections and leaves them without an answer', async () => {
    link.freeze('all');
    const client = dial();
    await once(client, 'connect');
    const answer = once(client, 'data');
    client.write('hello');
    link.thaw();
    expect(String((await answer)[0])).toBe('hello');
  });

  it('that is healed by a reset resets what hung', async () => {
    const client = dial();
    await echoed(client, 'x');
    link.freeze('open');
    const failed = once(client, 'error').catch((error: unknown) => [error]);
    link.thaw('reset');
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it('that drops a piece resets the connection before the server saw it', async () => {
    const client = dial();
    await echoed(client, 'x');
    link.intercept((piece) => (piece.toString() === 'first secret' ? 'drop' : 'pass'));
    const closed = closing(client);
    client.write('first secret');
    await closed;
    link.intercept(null);
    expect(echoedText).not.toContain('first secret');
  });

  it('that delivers and drops lets the server read the piece, gives no answer and keeps no socket', async () => {
    const client = dial();
    await echoed(client, 'x');
    const before = await openConnections();
    link.intercept((piece) => (piece.toString() === 'second secret' ? 'deliver-and-drop' : 'pass'));
    const closed = closing(client);
    let answer = '';
    client.on('data', (piece: Buffer) => (answer += piece.toString()));
    client.write('second secret');
    await closed;
    link.intercept(null);
    await expect.poll(() => echoedText).toContain('second secret');
    expect(answer).toBe('');
    await expect.poll(openConnections).toBe(before - 1);
  });

  it('that ends its connections ends them in order', async () => {
    const client = dial();
    await echoed(client, 'x');
    const ended = once(client, 'end');
    link.end();
    await ended;
  });

  it('that is cut while it ends keeps no descriptor', async () => {
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const client = dial();
    await echoed(client, 'x');
    const before = sockets();
    const closed = closing(client);
    link.end();
    link.cut();
    await closed;
    // The client's, both of the link and the server's.
    await expect.poll(sockets).toBeLessThanOrEqual(before - 4);
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
