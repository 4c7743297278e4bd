/**
 * A network link that misbehaves on request: a TCP proxy in front of a real server.
 *
 * - `freeze`  no byte passes in either direction, no connection closes: a half-open link (`thaw` lets everything go on).
 * - `cut`     every connection is reset, new ones are accepted again.
 * - `refuse`  as `cut`, and new connections are refused until `accept`.
 * - `intercept` looks at what the client sends and decides about each piece.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** `drop` resets the link before the server saw the piece; `deliver-and-drop` after it, but before any answer. */
export type Verdict = 'pass' | 'drop' | 'deliver-and-drop';

export interface TcpLink {
  readonly port: number;
  freeze(): void;
  thaw(): void;
  cut(): void;
  refuse(): Promise<void>;
  accept(): Promise<void>;
  intercept(judge: ((piece: Buffer) => Verdict) | null): void;
  close(): Promise<void>;
}

export async function openTcpLink(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpLink> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isFrozen = false;
  let judge: ((piece: Buffer) => Verdict) | null = null;

  const reset = (pair: readonly [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => reset(pair));
      socket.on('close', () => reset(pair));
      if (isFrozen) socket.pause();
    }
    client.on('data', (piece: Buffer) => {
      const verdict = judge?.(piece) ?? 'pass';
      if (verdict === 'drop') return reset(pair);
      if (verdict === 'pass') return void upstream.write(piece);
      // Closed in order towards the server, so that it still reads the piece.
      upstream.end(piece);
      client.resetAndDestroy();
    });
    upstream.on('data', (piece: Buffer) => client.write(piece));
  });

  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const cut = (): void => {
    for (const pair of pairs) reset(pair);
  };
  const refuse = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
      cut();
    });

  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    freeze: () => {
      isFrozen = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    thaw: () => {
      isFrozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    cut,
    refuse,
    accept: () => listen(port),
    intercept: (next) => {
      judge = next;
    },
    close: refuse,
  };
}

/** The same URL through the link. */
export function throughLink(url: string, link: Pick<TcpLink, 'port'>): string {
  const linked = new URL(url);
  linked.hostname = '127.0.0.1';
  linked.port = String(link.port);
  return linked.href;
}
