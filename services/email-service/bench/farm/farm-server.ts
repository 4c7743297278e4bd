/**
 * The farm: an IMAP server in one process that holds ten thousand idle folders and hardly costs anything, so that what is
 * measured is the client. Each user has one INBOX; a user is made by logging in or by being delivered to.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import {
  answerExamine,
  answerOutside,
  answerSearch,
  answersToFetch,
  CAPABILITIES,
  parseCommand,
  userOfLogin,
  userOfPlain,
  type Answer,
  type Command,
} from './farm-commands.ts';
import { type Arrival, FarmMailbox } from './farm-mailbox.ts';

export interface FarmState {
  readonly connections: number;
  readonly idling: number;
  /** Commands so far, by name. */
  readonly commands: Readonly<Record<string, number>>;
}

export interface FarmServer {
  readonly port: number;
  /** A mailbox in which the UIDs up to `expunged` are gone; before anybody opens it. */
  prepare(user: string, expunged: number): void;
  /** Adds messages to these users' mailboxes and tells who idles in them. */
  deliver(users: readonly string[], arrival: Arrival): void;
  state(): FarmState;
  close(): Promise<void>;
}

/** Above this the socket's own buffer is let drain before more of an answer is made. */
const MOST_PENDING_BYTES = 1024 * 1024;
/** A line that long is not a client of ours. */
const MOST_LINE_BYTES = 1024 * 1024;

interface Connection {
  readonly socket: Socket;
  user: string | null;
  mailbox: FarmMailbox | null;
  /** Tag of the AUTHENTICATE whose response is awaited. */
  loginTag: string | null;
  /** Tag of the IDLE under way. */
  idleTag: string | null;
  /** What EXISTS last said. */
  told: number;
  pending: string;
  /** Commands are answered one after the other. */
  turn: Promise<void> | null;
}

export async function startFarmServer(): Promise<FarmServer> {
  const mailboxes = new Map<string, FarmMailbox>();
  const open = new Map<string, Set<Connection>>();
  const sockets = new Set<Socket>();
  const commands: Record<string, number> = {};
  let idling = 0;

  const mailboxOf = (user: string): FarmMailbox => {
    const known = mailboxes.get(user);
    if (known !== undefined) return known;
    const mailbox = new FarmMailbox(user);
    mailboxes.set(user, mailbox);
    return mailbox;
  };

  const news = (connection: Connection): string => {
    const exists = connection.mailbox?.exists ?? 0;
    if (exists === connection.told) return '';
    connection.told = exists;
    return `* ${exists} EXISTS\r\n`;
  };

  const setIdle = (connection: Connection, tag: string | null): void => {
    if ((connection.idleTag === null) !== (tag === null)) idling += tag === null ? -1 : 1;
    connection.idleTag = tag;
  };

  const leave = (connection: Connection): void => {
    setIdle(connection, null);
    if (connection.mailbox !== null) open.get(connection.mailbox.user)?.delete(connection);
    connection.mailbox = null;
  };

  const examine = (connection: Connection, command: Command, user: string): Answer => {
    leave(connection);
    const mailbox = mailboxOf(user);
    connection.mailbox = mailbox;
    connection.told = mailbox.exists;
    const here = open.get(user) ?? new Set();
    open.set(user, here.add(connection));
    return answerExamine(command, mailbox);
  };

  /** Null when the answer was written already. */
  const answer = async (connection: Connection, command: Command): Promise<Answer | null> => {
    const { tag, name } = command;
    const { user, mailbox } = connection;
    const outside = answerOutside(command);
    if (outside !== null) return outside;
    if (name === 'LOGIN') return logIn(connection, tag, userOfLogin(command));
    if (name === 'AUTHENTICATE') {
      connection.loginTag = tag;
      return ['+ \r\n'];
    }
    if (name === 'NOOP') return [`${news(connection)}${tag} OK done\r\n`];
    if (name === 'LOGOUT') {
      connection.socket.end(`* BYE bye\r\n${tag} OK done\r\n`);
      return null;
    }
    if (user !== null && (name === 'EXAMINE' || name === 'SELECT')) return examine(connection, command, user);
    if (mailbox === null) return [`${tag} BAD not now: ${name}\r\n`];
    switch (name) {
      case 'CLOSE':
        leave(connection);
        return [`${tag} OK done\r\n`];
      case 'IDLE':
        setIdle(connection, tag);
        return [`+ idling\r\n${news(connection)}`];
      case 'UID SEARCH': {
        const said = news(connection);
        return [said, ...answerSearch(command, mailbox)];
      }
      case 'UID FETCH':
        for (const piece of answersToFetch(command, mailbox)) await write(connection.socket, piece);
        return null;
      default:
        return [`${tag} BAD the farm does not know ${name}\r\n`];
    }
  };

  const logIn = (connection: Connection, tag: string, user: string | null): Answer => {
    connection.user = user;
    return [user === null ? `${tag} NO who?\r\n` : `${tag} OK [CAPABILITY ${CAPABILITIES}] done\r\n`];
  };

  /** Lines that continue a command. Null when this one begins another. */
  const continued = (connection: Connection, line: string): Answer | null => {
    const { loginTag, idleTag } = connection;
    if (loginTag !== null) {
      connection.loginTag = null;
      return logIn(connection, loginTag, userOfPlain(line));
    }
    if (idleTag === null) return null;
    setIdle(connection, null);
    return [`${idleTag} OK done\r\n`];
  };

  const run = async (connection: Connection): Promise<void> => {
    for (;;) {
      const end = connection.pending.indexOf('\r\n');
      if (end < 0 || connection.socket.destroyed) return;
      const line = connection.pending.slice(0, end);
      connection.pending = connection.pending.slice(end + 2);
      const next = continued(connection, line);
      if (next !== null) {
        await write(connection.socket, next);
        continue;
      }
      const command = parseCommand(line);
      commands[command.name] = (commands[command.name] ?? 0) + 1;
      const said = await answer(connection, command);
      if (said !== null) await write(connection.socket, said);
    }
  };

  const server = createServer({ noDelay: true }, (socket) => {
    const connection: Connection = {
      socket,
      user: null,
      mailbox: null,
      loginTag: null,
      idleTag: null,
      told: 0,
      pending: '',
      turn: null,
    };
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      leave(connection);
    });
    socket.on('data', (chunk: Buffer) => {
      connection.pending += chunk.toString('latin1');
      if (connection.pending.length > MOST_LINE_BYTES) socket.destroy();
      connection.turn ??= run(connection)
        .catch(() => void socket.destroy())
        .finally(() => {
          connection.turn = null;
        });
    });
    socket.write(`* OK [CAPABILITY ${CAPABILITIES}] the farm is ready\r\n`);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    prepare: (user, expunged) => void mailboxes.set(user, new FarmMailbox(user, expunged)),
    deliver: (users, arrival) => {
      for (const user of users) {
        mailboxOf(user).add(arrival);
        for (const connection of open.get(user) ?? [])
          if (connection.idleTag !== null) connection.socket.write(news(connection));
      }
    },
    state: () => ({ connections: sockets.size, idling, commands: { ...commands } }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Resolves when more may be written. */
async function write(socket: Socket, pieces: Answer): Promise<void> {
  socket.cork();
  for (const piece of pieces) if (piece.length > 0) socket.write(piece);
  socket.uncork();
  if (socket.writableLength <= MOST_PENDING_BYTES || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
