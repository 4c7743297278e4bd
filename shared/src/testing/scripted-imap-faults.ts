/** Ready-made misbehaviour for the scripted IMAP server: hooks for `server.on` and `server.once`. */
import { fetchResponse } from './scripted-imap-commands.ts';
import type { ScriptedHook } from './scripted-imap.ts';

/** UID SEARCH answers newest first, with doubles, and with UIDs nobody asked for. */
export function unsortedUids(...extra: readonly number[]): ScriptedHook {
  return (context) => {
    context.uids = [...context.uids.toReversed(), ...context.uids.slice(0, 1), ...extra];
    return false;
  };
}

/** UID SEARCH finds only what this client was told of before, and tells what is new after the answer (Dovecot does). */
export function searchBehind(): ScriptedHook {
  return async ({ connection, uids, answer }) => {
    const told = new Set(connection.view.map(({ uid }) => uid));
    await connection.untagged(['SEARCH', ...uids.filter((uid) => told.has(uid))].join(' '));
    await connection.tellChanges();
    await answer('OK done');
  };
}

/** UID FETCH says OK and leaves these out. */
export function omitUids(...uids: readonly number[]): ScriptedHook {
  return (context) => {
    context.messages = context.messages.filter(({ uid }) => !uids.includes(uid));
    return false;
  };
}

/** UID FETCH sends every message twice. */
export function duplicateFetch(): ScriptedHook {
  return (context) => {
    context.messages = [...context.messages, ...context.messages];
    return false;
  };
}

/** UID FETCH adds messages that were not asked for. */
export function unaskedUids(...uids: readonly number[]): ScriptedHook {
  return (context) => {
    const visible = context.connection.folder?.visible ?? [];
    context.messages = [...visible.filter(({ uid }) => uids.includes(uid)), ...context.messages];
    return false;
  };
}

/** UID FETCH says OK without BODY[] (iCloud). */
export function okWithoutBody(): ScriptedHook {
  return (context) => {
    context.withoutBody = true;
    return false;
  };
}

/** The first `times` commands are throttled as Exchange does; later ones work. */
export function throttled(times: number, backoffMs: number): ScriptedHook {
  let left = times;
  return (context) => {
    if (left === 0) return false;
    left -= 1;
    return context.answer(`BAD Request is throttled. Suggested Backoff Time: ${backoffMs} milliseconds`);
  };
}

/** Exchange: sends the first `count` messages, then NO. */
export function noLongerExist(count: number): ScriptedHook {
  return async (context) => {
    for (const message of context.messages.slice(0, count))
      await context.connection.write(fetchResponse(context, message));
    await context.answer('NO Some of the requested messages no longer exist');
  };
}

/** Half of the first message's literal, then BYE inside it, then the end. */
export function byeInLiteral(): ScriptedHook {
  return async (context) => {
    const [message] = context.messages;
    if (message === undefined) return false;
    const half = message.raw.subarray(0, Math.floor(message.raw.length / 2));
    const head = `* 1 FETCH (UID ${message.uid} BODY[]<0> {${message.raw.length}}\r\n`;
    await context.connection.write(
      Buffer.concat([Buffer.from(head), half, Buffer.from('\r\n* BYE going down\r\n')]),
    );
    context.connection.socket.end();
    return undefined;
  };
}

/** Announces a literal of `size` octets and sends filler for ever. */
export function hugeLiteral(size: number): ScriptedHook {
  return async (context) => {
    const uid = context.messages[0]?.uid ?? 1;
    await context.connection.write(`* 1 FETCH (UID ${uid} BODY[]<0> {${size}}\r\n`);
    const filler = Buffer.alloc(65_536, 'x');
    while (context.connection.isOpen) await context.connection.write(filler);
  };
}

/** From here on this connection gets one byte every `ms`. */
export function drip(ms: number): ScriptedHook {
  return (context) => {
    context.connection.dripMs = ms;
    return false;
  };
}

/** `count` untagged lines before the real answer. */
export function untaggedFlood(count: number, line = 'OK still here'): ScriptedHook {
  return async (context): Promise<false> => {
    const text = `* ${line}\r\n`;
    const most = Math.max(1, Math.floor(65_536 / text.length));
    for (let left = count; left > 0 && context.connection.isOpen; left -= most) {
      await context.connection.write(text.repeat(Math.min(left, most)));
    }
    return false;
  };
}

/** Never answers. */
export function silence(): ScriptedHook {
  return async (context) => {
    await context.connection.reader.readBytes(Number.MAX_SAFE_INTEGER);
  };
}

/** IDLE is accepted, but nothing is pushed and DONE is never answered: a half-open connection. */
export function deafIdle(): ScriptedHook {
  return async (context) => {
    await context.connection.line('+ idling');
    await context.connection.reader.readBytes(Number.MAX_SAFE_INTEGER);
  };
}

/** BYE instead of an answer, then the end. */
export function bye(text: string): ScriptedHook {
  return async (context) => {
    await context.connection.untagged(`BYE ${text}`);
    context.connection.socket.end();
  };
}

/** Cuts the connection without a word. */
export function cut(): ScriptedHook {
  return (context) => {
    context.connection.destroy();
  };
}

/** STARTTLS with bytes injected before the handshake (RFC 9051 section 6.2.1). */
export function injectBeforeTls(): ScriptedHook {
  return async (context) => {
    await context.connection.write(`${context.tag} OK begin TLS\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n`);
  };
}
