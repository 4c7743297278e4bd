/**
 * A scripted IMAP server on a random loopback port, for what real servers do not do on request. It serves mailboxes well
 * enough for a client that reads (scripted-imap-commands.ts); hooks make it misbehave per command (scripted-imap-faults.ts).
 *
 * ```ts
 * const server = await startScriptedImap({ folders: { INBOX: { uidValidity: 7, messages: ['Subject: a\r\n\r\nhello'] } } });
 * server.on('UID FETCH', omitUids(2));            // goes on with the default behaviour, one UID short
 * server.once('LOGIN', ({ answer }) => answer('NO [UNAVAILABLE] later'));  // answered: the default is not run
 * server.deliver('INBOX', raw);                   // pushed to clients in IDLE
 * server.commands.map((command) => command.name); // what clients sent
 * await server.close();
 * ```
 * Any user logs in with the password `secret` or the token `token` unless options say otherwise.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import {
  fetchedMessages,
  isInState,
  SCRIPTED_COMMANDS,
  type ScriptedBackend,
  type ScriptedContext,
  searchUids,
} from './scripted-imap-commands.ts';
import { ScriptedConnection } from './scripted-imap-connection.ts';
import {
  type FolderOptions,
  type MessageOptions,
  ScriptedFolder,
  type ScriptedMessage,
} from './scripted-imap-mailbox.ts';
import { type RawCommand, readCommand } from './scripted-imap-wire.ts';

export interface ScriptedImapOptions {
  /** By Unicode name; default: an empty INBOX. */
  readonly folders?: Readonly<Record<string, FolderOptions>>;
  /** Default: any user with the password `secret`. */
  readonly checkPassword?: (user: string, password: string) => boolean;
  /** Default: any user with the token `token`. */
  readonly checkToken?: (user: string, token: string) => boolean;
  /** Replaces the default list (IMAP4rev1, SASL-IR, three AUTH mechanisms, IDLE, NAMESPACE, ID); STARTTLS is added by `tls`. */
  readonly capabilities?: readonly string[];
  /** PEM. `implicit`: TLS from the first byte; `starttls`: offers STARTTLS. */
  readonly tls?: { readonly mode: 'implicit' | 'starttls'; readonly key: string; readonly cert: string };
  readonly delimiter?: string;
  readonly namespacePrefix?: string;
  /** Without CRLF; default `* OK ready`; null sends none. */
  readonly greeting?: string | null;
}

/** Return `false` to go on with the default behaviour; anything else means the hook has answered (or never will). */
export type ScriptedHook = (context: ScriptedContext) => Promise<void | false> | void | false;

export interface RecordedCommand extends RawCommand {
  readonly connection: number;
}

export interface ScriptedImap {
  readonly host: string;
  readonly port: number;
  /** Every command of every client, in order. */
  readonly commands: readonly RecordedCommand[];
  readonly logins: { readonly accepted: number; readonly refused: number };
  /** Connections ever accepted. */
  readonly connections: number;
  /** Connections open now. */
  readonly openConnections: readonly ScriptedConnection[];
  folder(name: string): ScriptedFolder;
  addFolder(name: string, options?: FolderOptions): ScriptedFolder;
  removeFolder(name: string): void;
  /** Adds a message and tells the clients that idle in this folder. */
  deliver(folder: string, raw: string | Buffer, options?: MessageOptions): ScriptedMessage;
  /** Shows a message that was delivered hidden. */
  reveal(folder: string, uid: number): void;
  expunge(folder: string, uid: number): void;
  /** Runs before the default behaviour of a command (`UID FETCH`, `LOGIN`, ...; `*` is all). The newest runs first. Returns its removal. */
  on(command: string, hook: ScriptedHook): () => void;
  once(command: string, hook: ScriptedHook): void;
  /** Resolves at the next command of that name (before it is answered), or at once when `count` were seen already. */
  seen(command: string, count?: number): Promise<void>;
  /** Resolves when no client is connected any more. */
  deserted(): Promise<void>;
  /** Cuts all connections; clients may connect again. */
  dropConnections(): void;
  close(): Promise<void>;
}

const DEFAULT_CAPABILITIES = [
  'IMAP4rev1',
  'SASL-IR',
  'LITERAL-',
  'AUTH=PLAIN',
  'AUTH=XOAUTH2',
  'AUTH=OAUTHBEARER',
  'IDLE',
  'NAMESPACE',
  'ID',
];

export async function startScriptedImap(options: ScriptedImapOptions = {}): Promise<ScriptedImap> {
  const folders = new Map<string, ScriptedFolder>();
  for (const [name, folder] of Object.entries(options.folders ?? { INBOX: {} }))
    folders.set(name, new ScriptedFolder(name, folder));
  const hooks: { readonly command: string; readonly hook: ScriptedHook }[] = [];
  const commands: RecordedCommand[] = [];
  const logins = { accepted: 0, refused: 0 };
  const open = new Set<ScriptedConnection>();
  const waiting: { readonly name: string; readonly count: number; readonly resolve: () => void }[] = [];
  let connections = 0;

  const backend: ScriptedBackend = {
    folders,
    delimiter: options.delimiter ?? '/',
    namespacePrefix: options.namespacePrefix ?? '',
    capabilities: (connection) => {
      const offersTls = options.tls?.mode === 'starttls' && !connection.isSecure;
      return [...(options.capabilities ?? DEFAULT_CAPABILITIES), ...(offersTls ? ['STARTTLS'] : [])];
    },
    checkPassword: (user, password) =>
      count((options.checkPassword ?? ((_user, given) => given === 'secret'))(user, password)),
    checkToken: (user, token) =>
      count((options.checkToken ?? ((_user, given) => given === 'token'))(user, token)),
    startTls: async (connection) => {
      connection.reader.detach();
      connection.upgrade(await secured(connection.socket, options));
    },
  };

  function count(isRight: boolean): boolean {
    logins[isRight ? 'accepted' : 'refused'] += 1;
    return isRight;
  }

  async function serve(socket: Socket): Promise<void> {
    connections += 1;
    const isImplicit = options.tls?.mode === 'implicit';
    const carrier = isImplicit ? await secured(socket, options) : socket;
    const connection = new ScriptedConnection(connections, carrier, isImplicit);
    open.add(connection);
    socket.on('close', () => open.delete(connection));
    const greeting = options.greeting === undefined ? '* OK ready' : options.greeting;
    if (greeting?.startsWith('* PREAUTH') === true) connection.user = 'preauth';
    if (greeting !== null) await connection.line(greeting);
    for (;;) {
      const command = await readCommand(connection.reader, () => void connection.line('+ go ahead'));
      if (command === null) return;
      commands.push({ ...command, connection: connection.id });
      for (const waiter of waiting) if (seenCount(waiter.name) >= waiter.count) waiter.resolve();
      await run(contextOf(connection, command));
      if (!connection.isOpen) return;
    }
  }

  function contextOf(connection: ScriptedConnection, command: RawCommand): ScriptedContext {
    return {
      ...command,
      connection,
      server: backend,
      uids: command.name === 'UID SEARCH' ? searchUids(connection, command.args) : [],
      messages: command.name === 'UID FETCH' ? fetchedMessages(connection, command.args) : [],
      withoutBody: false,
      answer: (text) => connection.line(`${command.tag} ${text}`),
    };
  }

  async function run(context: ScriptedContext): Promise<void> {
    for (const { command, hook } of [...hooks].reverse()) {
      if (command !== context.name && command !== '*') continue;
      if ((await hook(context)) !== false) return;
    }
    const behaviour = SCRIPTED_COMMANDS[context.name];
    if (behaviour === undefined) return context.answer('BAD unknown command');
    if (!isInState(context.name, context.connection)) return context.answer('BAD not now');
    await behaviour(context);
  }

  function seenCount(name: string): number {
    return commands.filter((command) => command.name === name).length;
  }

  function folderOf(name: string): ScriptedFolder {
    const folder = folders.get(name);
    if (folder === undefined) throw new Error(`the scripted server has no folder ${name}`);
    return folder;
  }

  function tellIdlers(folder: ScriptedFolder): void {
    for (const connection of open)
      if (connection.isIdling && connection.folder === folder) void connection.tellChanges();
  }

  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  function on(command: string, hook: ScriptedHook): () => void {
    const entry = { command, hook };
    hooks.push(entry);
    return () => {
      const at = hooks.indexOf(entry);
      if (at >= 0) hooks.splice(at, 1);
    };
  }

  return {
    host: '127.0.0.1',
    port,
    commands,
    logins,
    get connections() {
      return connections;
    },
    get openConnections() {
      return [...open];
    },
    folder: folderOf,
    addFolder: (name, folderOptions = {}) => {
      const folder = new ScriptedFolder(name, folderOptions);
      folders.set(name, folder);
      return folder;
    },
    removeFolder: (name) => void folders.delete(name),
    deliver: (name, raw, messageOptions) => {
      const message = folderOf(name).add(raw, messageOptions);
      if (messageOptions?.hidden !== true) tellIdlers(folderOf(name));
      return message;
    },
    reveal: (name, uid) => {
      folderOf(name).reveal(uid);
      tellIdlers(folderOf(name));
    },
    expunge: (name, uid) => {
      folderOf(name).expunge(uid);
      tellIdlers(folderOf(name));
    },
    on,
    once: (command, hook) => {
      const off = on(command, (context) => {
        off();
        return hook(context);
      });
    },
    seen: (name, wanted = seenCount(name) + 1) =>
      new Promise((resolve) => {
        if (seenCount(name) >= wanted) resolve();
        else waiting.push({ name, count: wanted, resolve });
      }),
    deserted: async () => {
      for (const { socket } of open) {
        // Not `once`: a reset connection is gone as well.
        if (!socket.closed) await new Promise((resolve) => socket.on('close', resolve));
      }
    },
    dropConnections: () => {
      for (const connection of open) connection.destroy();
    },
    close: async () => {
      for (const connection of open) connection.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function secured(socket: Socket, options: ScriptedImapOptions): Promise<TLSSocket> {
  const wrapped = new TLSSocket(socket, {
    isServer: true,
    key: options.tls?.key ?? '',
    cert: options.tls?.cert ?? '',
  });
  wrapped.on('error', () => socket.destroy());
  await once(wrapped, 'secure');
  return wrapped;
}
