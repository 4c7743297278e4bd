/**
 * A network link that misbehaves on request: a TCP proxy in front of a real server.
 *
 * - `setWeather`  latency with jitter, bandwidth, one-byte slices; bytes keep their order.
 * - `freeze`      no byte passes and no end of a connection is told, in either direction: `all`, or only the connections that are
 *                 `open` now (a NAT gateway that forgot them: new ones work). `thaw` lets everything go on, or resets what hung.
 * - `cut`         every connection ends with RST, new ones are accepted.
 * - `end`         every connection ends with FIN: an orderly cut.
 * - `refuse`      as `cut`, and nobody listens until `accept`.
 * - `intercept`   looks at what the client sends and decides about each piece.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Pump, type Weather } from './tcp-pump.ts';

/** `drop` resets the link before the server saw the piece; `deliver-and-drop` after it, but before any answer. */
export type Verdict = 'pass' | 'drop' | 'deliver-and-drop';

export interface TcpLink {
  readonly port: number;
  setWeather(weather: Weather | null): void;
  freeze(scope?: 'open' | 'all'): void;
  thaw(how?: 'goOn' | 'reset'): void;
  cut(): void;
  end(): void;
  refuse(): Promise<void>;
  accept(): Promise<void>;
  intercept(judge: ((piece: Buffer) => Verdict) | null): void;
  close(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly pumps: readonly [Pump, Pump];
}

/** @param random for the jitter, in [0, 1). */
export async function openTcpLink(
  target: { readonly host: string; readonly port: number },
  random: () => number = Math.random,
): Promise<TcpLink> {
  const connections = new Set<Connection>();
  const frozen = new Set<Connection>();
  /** Given up by the client, still read by the server. */
  const leaving = new Set<Socket>();
  let weather: Weather | null = null;
  let isAllFrozen = false;
  let judge: ((piece: Buffer) => Verdict) | null = null;

  const forget = (connection: Connection): void => {
    connections.delete(connection);
    frozen.delete(connection);
  };
  const reset = (connection: Connection): void => {
    forget(connection);
    for (const socket of [connection.client, connection.upstream]) abort(socket);
  };
  const freeze = (connection: Connection): void => {
    frozen.add(connection);
    for (const pump of connection.pumps) pump.freeze();
  };
  const deliverAndDrop = (connection: Connection, piece: Buffer): void => {
    forget(connection);
    // Closed in order towards the server, so that it still reads the piece.
    leaving.add(connection.upstream);
    connection.upstream.once('close', () => leaving.delete(connection.upstream)).end(piece);
    abort(connection.client);
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    const condition = (): Weather | null => weather;
    const passes = (piece: Buffer): boolean => {
      const verdict = judge?.(piece) ?? 'pass';
      if (verdict === 'drop') reset(connection);
      if (verdict === 'deliver-and-drop') deliverAndDrop(connection, piece);
      return verdict === 'pass';
    };
    const pumps = [
      new Pump(client, upstream, condition, random, passes),
      new Pump(upstream, client, condition, random),
    ] as const;
    const connection: Connection = { client, upstream, pumps };
    connections.add(connection);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      // In a black hole the other side does not learn of it.
      socket.on('error', () => {
        if (!frozen.has(connection)) reset(connection);
      });
      socket.on('close', () => {
        if (client.destroyed && upstream.destroyed) connections.delete(connection);
      });
    }
    if (isAllFrozen) freeze(connection);
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
    for (const connection of connections) reset(connection);
    for (const socket of leaving) socket.destroy();
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
    setWeather: (next) => {
      weather = next;
    },
    freeze: (scope = 'all') => {
      isAllFrozen = scope === 'all';
      for (const connection of connections) freeze(connection);
    },
    thaw: (how = 'goOn') => {
      isAllFrozen = false;
      for (const connection of frozen) {
        frozen.delete(connection);
        const isHalfGone = connection.client.destroyed || connection.upstream.destroyed;
        if (how === 'reset' || isHalfGone) reset(connection);
        else for (const pump of connection.pumps) pump.thaw();
      }
    },
    cut,
    end: () => {
      for (const { client, upstream } of connections) {
        client.end();
        upstream.end();
      }
    },
    refuse,
    accept: () => listen(port),
    intercept: (next) => {
      judge = next;
    },
    close: refuse,
  };
}

/** With RST. After `end` libuv refuses that, Node does not notice, and the descriptor would stay open for ever. */
function abort(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** The same URL through the link. */
export function throughLink(url: string, link: Pick<TcpLink, 'port'>): string {
  const linked = new URL(url);
  linked.hostname = '127.0.0.1';
  linked.port = String(link.port);
  return linked.href;
}
