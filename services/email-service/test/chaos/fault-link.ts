/**
 * A network link with weather: a TCP proxy in front of a real server.
 *
 * - weather     latency with jitter, bandwidth, one-byte slices; bytes keep their order.
 * - black hole  no byte passes and no end of a connection is told, in either direction: `all`, or only the connections that are
 *               open now (a NAT gateway that forgot them: new ones work). `heal` lets everything go on, or resets what hung.
 * - reset       every connection ends with RST, new ones are accepted.
 * - close       every connection ends with FIN: an orderly cut.
 * - refuse      as reset, and nobody listens until `accept`.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Pump, type Weather } from './link-pump.ts';
import type { Random } from './random.ts';

export interface FaultLink {
  readonly name: string;
  readonly port: number;
  setWeather(weather: Weather | null): void;
  blackHole(scope: 'open' | 'all'): void;
  heal(how: 'goOn' | 'reset'): void;
  reset(): void;
  end(): void;
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly pumps: readonly [Pump, Pump];
}

export async function openFaultLink(options: {
  readonly name: string;
  readonly target: { readonly host: string; readonly port: number };
  readonly random: Random;
}): Promise<FaultLink> {
  const connections = new Set<Connection>();
  const frozen = new Set<Connection>();
  let weather: Weather | null = null;
  let isAllFrozen = false;

  const reset = (connection: Connection): void => {
    connections.delete(connection);
    frozen.delete(connection);
    for (const socket of [connection.client, connection.upstream]) {
      // A reset after `end` leaves the descriptor open for ever: libuv refuses it and Node does not notice.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  const freeze = (connection: Connection): void => {
    frozen.add(connection);
    for (const pump of connection.pumps) pump.freeze();
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...options.target, allowHalfOpen: true });
    const condition = (): Weather | null => weather;
    const pumps = [
      new Pump(client, upstream, condition, options.random),
      new Pump(upstream, client, condition, options.random),
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
  const resetAll = (): void => {
    for (const connection of connections) reset(connection);
  };
  const refuse = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
      resetAll();
    });

  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    name: options.name,
    port,
    setWeather: (next) => {
      weather = next;
    },
    blackHole: (scope) => {
      isAllFrozen = scope === 'all';
      for (const connection of connections) freeze(connection);
    },
    heal: (how) => {
      isAllFrozen = false;
      for (const connection of frozen) {
        frozen.delete(connection);
        const isHalfGone = connection.client.destroyed || connection.upstream.destroyed;
        if (how === 'reset' || isHalfGone) reset(connection);
        else for (const pump of connection.pumps) pump.thaw();
      }
    },
    reset: resetAll,
    end: () => {
      for (const { client, upstream } of connections) {
        client.end();
        upstream.end();
      }
    },
    refuse,
    accept: () => listen(port),
    close: refuse,
  };
}

/** The same URL through the link. */
export function through(url: string, link: Pick<FaultLink, 'port'>): string {
  const linked = new URL(url);
  linked.hostname = '127.0.0.1';
  linked.port = String(link.port);
  return linked.href;
}
