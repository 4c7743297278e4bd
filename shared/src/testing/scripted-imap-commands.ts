/**
 * What the scripted IMAP server does by itself: RFC 3501 as far as a client that only reads needs it, with
 * SASL PLAIN, XOAUTH2, OAUTHBEARER (RFC 4616, RFC 7628), IDLE (RFC 2177), ESEARCH where it is offered (RFC 4731), NAMESPACE,
 * ID, ENABLE.
 */
import { uidSets } from '../imap/uid-sets.ts';
import type { ScriptedConnection } from './scripted-imap-connection.ts';
import { inSequenceSet, type ScriptedFolder, type ScriptedMessage } from './scripted-imap-mailbox.ts';
import {
  type Argument,
  decodeMailboxName,
  encodeMailboxName,
  quoted,
  type RawCommand,
} from './scripted-imap-wire.ts';

/** What the commands need from the server. */
export interface ScriptedBackend {
  capabilities(connection: ScriptedConnection): readonly string[];
  readonly folders: ReadonlyMap<string, ScriptedFolder>;
  readonly delimiter: string;
  readonly namespacePrefix: string;
  checkPassword(user: string, password: string): boolean;
  checkToken(user: string, token: string): boolean;
  /** Wraps the connection in TLS; resolves when the handshake is done. */
  startTls(connection: ScriptedConnection): Promise<void>;
}

/** One command on its way through hooks to the default behaviour. */
export interface ScriptedContext extends RawCommand {
  readonly connection: ScriptedConnection;
  readonly server: ScriptedBackend;
  /** UID SEARCH: the answer, to be reordered, cut or added to. */
  uids: number[];
  /** UID FETCH: the messages that will be sent, likewise. */
  messages: ScriptedMessage[];
  /** UID FETCH: leave the body out and still say OK. */
  withoutBody: boolean;
  /** The tagged answer, e.g. `answer('NO [LIMIT] slow down')`. */
  readonly answer: (text: string) => Promise<void>;
}

type Behaviour = (context: ScriptedContext) => Promise<void>;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const SCRIPTED_COMMANDS: Readonly<Record<string, Behaviour>> = {
  CAPABILITY: async ({ connection, server, answer }) => {
    await connection.untagged(`CAPABILITY ${server.capabilities(connection).join(' ')}`);
    await answer('OK done');
  },
  NOOP: async ({ connection, answer }) => {
    await connection.tellChanges();
    await answer('OK done');
  },
  ID: async ({ connection, answer }) => {
    await connection.untagged('ID ("name" "scripted")');
    await answer('OK done');
  },
  ENABLE: async ({ connection, answer }) => {
    await connection.untagged('ENABLED');
    await answer('OK done');
  },
  NAMESPACE: async ({ connection, server, answer }) => {
    const own = `((${quoted(server.namespacePrefix)} ${quoted(server.delimiter)}))`;
    await connection.untagged(`NAMESPACE ${own} NIL NIL`);
    await answer('OK done');
  },
  STARTTLS: async ({ connection, server, answer }) => {
    if (!server.capabilities(connection).includes('STARTTLS')) return answer('BAD unknown command');
    await answer('OK begin TLS');
    await server.startTls(connection);
  },
  LOGIN: async ({ connection, server, args, answer }) => {
    const [user, password] = args;
    if (server.capabilities(connection).includes('LOGINDISABLED'))
      return answer('NO [PRIVACYREQUIRED] not here');
    if (typeof user !== 'string' || typeof password !== 'string') return answer('BAD two arguments');
    await finishLogin(connection, answer, user, server.checkPassword(user, password));
  },
  AUTHENTICATE: authenticate,
  LIST: (context) => list(context, 'LIST'),
  LSUB: (context) => list(context, 'LSUB'),
  STATUS: async ({ connection, server, args, answer }) => {
    const folder = folderNamed(server, String(args[0] ?? ''));
    if (folder === null) return answer('NO [NONEXISTENT] no such folder');
    await connection.untagged(
      `STATUS ${quoted(encodeMailboxName(folder.name))} (MESSAGES ${folder.visible.length})`,
    );
    await answer('OK done');
  },
  EXAMINE: (context) => open(context, true),
  SELECT: (context) => open(context, false),
  CLOSE: async ({ connection, answer }) => {
    connection.folder = null;
    await answer('OK done');
  },
  'UID SEARCH': async (context) => {
    const { connection, server, args, uids, answer } = context;
    const asksForEsearch = String(args[0]).toUpperCase() === 'RETURN';
    if (asksForEsearch && !server.capabilities(connection).includes('ESEARCH'))
      return answer('BAD unknown search key');
    await connection.tellChanges();
    await connection.untagged(
      asksForEsearch ? esearchResponse(context) : uids.length === 0 ? 'SEARCH' : `SEARCH ${uids.join(' ')}`,
    );
    await answer('OK done');
  },
  'UID FETCH': async (context) => {
    for (const message of context.messages) await context.connection.write(fetchResponse(context, message));
    await context.connection.tellChanges();
    await context.answer('OK done');
  },
  IDLE: async ({ connection, answer }) => {
    await connection.line('+ idling');
    connection.isIdling = true;
    await connection.tellChanges();
    const line = await connection.reader.readLine();
    connection.isIdling = false;
    if (line === null) return;
    await answer(line.toUpperCase() === 'DONE' ? 'OK done' : 'BAD expected DONE');
  },
  LOGOUT: async ({ connection, answer }) => {
    await connection.untagged('BYE bye');
    await answer('OK done');
    connection.socket.end();
  },
};

/** Whether a command may be given now: before login, after it, or with an open folder. */
export function isInState(name: string, connection: ScriptedConnection): boolean {
  if (['CAPABILITY', 'NOOP', 'LOGOUT', 'ID'].includes(name)) return true;
  if (['LOGIN', 'AUTHENTICATE', 'STARTTLS'].includes(name)) return connection.user === null;
  if (connection.user === null) return false;
  return !['UID SEARCH', 'UID FETCH', 'CLOSE'].includes(name) || connection.folder !== null;
}

async function finishLogin(
  connection: ScriptedConnection,
  answer: ScriptedContext['answer'],
  user: string,
  isRight: boolean,
): Promise<void> {
  if (isRight) connection.user = user;
  await answer(isRight ? 'OK logged in' : 'NO [AUTHENTICATIONFAILED] wrong user name or password');
}

async function authenticate({ connection, server, args, answer }: ScriptedContext): Promise<void> {
  const [mechanism = '', initial] = args.map(String);
  if (!server.capabilities(connection).includes(`AUTH=${mechanism.toUpperCase()}`))
    return answer('NO unknown mechanism');
  let encoded: string | null = initial ?? null;
  if (encoded === null) {
    await connection.line('+ ');
    encoded = await connection.reader.readLine();
  }
  if (encoded === null) return;
  const response = Buffer.from(encoded, 'base64').toString('utf8');
  if (mechanism.toUpperCase() === 'PLAIN') {
    const [, user = '', password = ''] = response.split('\0');
    return finishLogin(connection, answer, user, server.checkPassword(user, password));
  }
  const parts = response.split('\u0001');
  const user = parts[0]?.replace(/^(user=|n,a=)/, '').replace(/,$/, '') ?? '';
  const token = parts.find((part) => part.startsWith('auth=Bearer '))?.slice('auth=Bearer '.length) ?? '';
  const isRight = server.checkToken(user, token);
  if (!isRight) {
    // Failure is a challenge, not a NO: the client has to answer before the tagged NO comes (RFC 7628 section 3.2.3).
    const status = { status: '401', schemes: 'bearer', scope: 'https://mail.example/' };
    await connection.line(`+ ${Buffer.from(JSON.stringify(status)).toString('base64')}`);
    if ((await connection.reader.readLine()) === null) return;
  }
  await finishLogin(connection, answer, user, isRight);
}

async function list({ connection, server, args, answer }: ScriptedContext, keyword: string): Promise<void> {
  const [reference = '', pattern = ''] = args.map(String);
  const wanted = decodeMailboxName(reference + pattern);
  if (wanted === '') {
    await connection.untagged(`${keyword} (\\Noselect) ${quoted(server.delimiter)} ""`);
    return answer('OK done');
  }
  const matches = wildcard(wanted, server.delimiter);
  for (const folder of server.folders.values()) {
    if (!matches(folder.name)) continue;
    const name = quoted(encodeMailboxName(folder.name));
    await connection.untagged(
      `${keyword} (${folder.attributes.join(' ')}) ${quoted(server.delimiter)} ${name}`,
    );
  }
  await answer('OK done');
}

function wildcard(pattern: string, delimiter: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\\\*/g, '.*')
    .replace(/%/g, `[^${delimiter.replace(/[\]\\^-]/g, '\\$&')}]*`);
  const expression = new RegExp(`^${source}$`, 's');
  const isInbox = pattern.toUpperCase() === 'INBOX';
  return (name) => expression.test(name) || (isInbox && name.toUpperCase() === 'INBOX');
}

function folderNamed(server: ScriptedContext['server'], argument: string): ScriptedFolder | null {
  const wanted = decodeMailboxName(argument);
  const folder = server.folders.get(wanted.toUpperCase() === 'INBOX' ? 'INBOX' : wanted);
  return folder === undefined || folder.attributes.includes('\\Noselect') ? null : folder;
}

async function open({ connection, server, args, answer }: ScriptedContext, readOnly: boolean): Promise<void> {
  const folder = folderNamed(server, String(args[0] ?? ''));
  connection.folder = null;
  if (folder === null) return answer('NO [NONEXISTENT] no such folder');
  connection.folder = folder;
  connection.isReadOnly = readOnly;
  connection.view = folder.visible;
  await connection.untagged('FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)');
  await connection.untagged(`${connection.view.length} EXISTS`);
  await connection.untagged(`OK [UIDVALIDITY ${folder.uidValidity}] ok`);
  await connection.untagged(`OK [UIDNEXT ${folder.uidNext}] ok`);
  if (folder.uidNotSticky) await connection.untagged('NO [UIDNOTSTICKY] not kept');
  await answer(`OK [${readOnly ? 'READ-ONLY' : 'READ-WRITE'}] done`);
}

/** UIDs that a UID SEARCH finds: `UID <set>`, a sequence set, `SINCE <date>`, `ALL`; several are ANDed. */
export function searchUids(connection: ScriptedConnection, args: readonly Argument[]): number[] {
  const visible = connection.folder?.visible ?? [];
  const lastUid = visible.at(-1)?.uid ?? 0;
  const keys = args.map(String);
  const tests: ((message: ScriptedMessage, index: number) => boolean)[] = [];
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] ?? '';
    if (key.toUpperCase() === 'UID') {
      const matches = inSequenceSet(keys[(at += 1)] ?? '', lastUid);
      tests.push(({ uid }) => matches(uid));
    } else if (key.toUpperCase() === 'SINCE') {
      const since = Date.parse(`${keys[(at += 1)] ?? ''} UTC`);
      tests.push(({ internalDate }) => internalDate.getTime() >= since);
    } else if (/^[\d:*,]+$/.test(key)) {
      const matches = inSequenceSet(key, visible.length);
      tests.push((_message, index) => matches(index + 1));
    }
  }
  return visible
    .filter((message, index) => tests.every((test) => test(message, index)))
    .map(({ uid }) => uid);
}

/** To `RETURN (COUNT ALL)`, the only thing a client of ours asks for (RFC 4731 section 3.1). */
export function esearchResponse({ tag, uids }: Pick<ScriptedContext, 'tag' | 'uids'>): string {
  const all = uidSets(uids).join(',');
  return `ESEARCH (TAG "${tag}") UID COUNT ${uids.length}${all === '' ? '' : ` ALL ${all}`}`;
}

/** Messages a UID FETCH names; `n:*` yields the last one even when n is above it (RFC 9051 section 6.4.9). */
export function fetchedMessages(
  connection: ScriptedConnection,
  args: readonly Argument[],
): ScriptedMessage[] {
  const visible = connection.folder?.visible ?? [];
  const matches = inSequenceSet(String(args[0] ?? ''), visible.at(-1)?.uid ?? 0);
  return visible.filter(({ uid }) => matches(uid));
}

/** One untagged FETCH response with the items asked for. */
export function fetchResponse(context: ScriptedContext, message: ScriptedMessage): Buffer {
  const asked = context.args[1] ?? [];
  const items = (typeof asked === 'string' ? [asked] : asked).map(String);
  const parts: Buffer[] = [];
  for (const item of items) {
    const part = fetchItem(context, message, item);
    if (part !== null) parts.push(...(parts.length > 0 ? [Buffer.from(' ')] : []), part);
  }
  const position = context.connection.view.findIndex(({ uid }) => uid === message.uid) + 1;
  const sequence = position > 0 ? position : context.connection.view.length + 1;
  return Buffer.concat([Buffer.from(`* ${sequence} FETCH (`), ...parts, Buffer.from(')\r\n')]);
}

function fetchItem(context: ScriptedContext, message: ScriptedMessage, item: string): Buffer | null {
  const body = /^BODY(?:\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?$/i.exec(item);
  if (body !== null) return context.withoutBody ? null : bodyItem(message, body[1], body[2]);
  switch (item.toUpperCase()) {
    case 'UID':
      return Buffer.from(`UID ${message.uid}`);
    case 'RFC822.SIZE':
      return Buffer.from(`RFC822.SIZE ${message.raw.length}`);
    case 'INTERNALDATE':
      return Buffer.from(`INTERNALDATE "${internalDateText(message.internalDate)}"`);
    case 'FLAGS':
      return Buffer.from(`FLAGS (${[...message.flags].join(' ')})`);
    case 'EMAILID':
      return message.emailId === null ? null : Buffer.from(`EMAILID (${message.emailId})`);
    default:
      return null;
  }
}

function bodyItem(message: ScriptedMessage, from: string | undefined, count: string | undefined): Buffer {
  const start = Number(from ?? 0);
  const bytes = message.raw.subarray(start, count === undefined ? undefined : start + Number(count));
  const origin = from === undefined ? '' : `<${start}>`;
  return Buffer.concat([Buffer.from(`BODY[]${origin} {${bytes.length}}\r\n`), bytes]);
}

function internalDateText(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()] ?? ''}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
