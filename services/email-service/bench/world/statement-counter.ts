/** A way to PostgreSQL on which the statements of each application are seen. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { isFraming, PgStatements } from './pg-statements.ts';

export interface SeenStatement {
  /** `application_name` of the connection. */
  readonly application: string;
  readonly text: string;
}

export interface StatementCounter {
  /** The same database, through the counter. */
  urlOf(databaseUrl: string): string;
  /** What was run since the last `reset`, in order, without what only frames it. */
  statements(): readonly SeenStatement[];
  reset(): void;
  close(): Promise<void>;
}

export async function openStatementCounter(target: { readonly port: number }): Promise<StatementCounter> {
  const seen: SeenStatement[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: target.port, noDelay: true });
    let application = '';
    const statements = new PgStatements({
      connected: (parameters) => {
        application = parameters['application_name'] ?? '';
      },
      ran: (text) => {
        if (!isFraming(text)) seen.push({ application, text });
      },
    });
    client.on('data', (chunk) => {
      statements.push(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (databaseUrl) => {
      const url = new URL(databaseUrl);
      url.port = String(port);
      return url.href;
    },
    statements: () => [...seen],
    reset: () => void seen.splice(0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
