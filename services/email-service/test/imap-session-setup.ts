/** A session on the scripted server, for the tests of the IMAP adapter. */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import { type ImapClientSettings, imapTlsContext, openImapClient } from '@mailstream/shared/imap/imap-client';
import { systemClock } from '@mailstream/shared/runtime/system-clock';
import {
  type ScriptedImap,
  type ScriptedImapOptions,
  startScriptedImap,
} from '@mailstream/shared/testing/scripted-imap';
import { onTestFinished } from 'vitest';
import { ImapflowSession } from '../src/adapters/imap-session.ts';
import type { FetchedMessage } from '../src/ports/imap.ts';
import { WatchStop } from '../src/ports/watch-stop.ts';

const settings: ImapClientSettings = {
  connectTimeoutMs: 2_000,
  deadlineMs: 5_000,
  oauthMechanism: 'XOAUTH2',
  keepAlive: true,
};

/** A signal that never aborts. */
export const never = new AbortController().signal;

/** Options of `watch` that end by nothing but a change. */
export const watching = {
  useIdle: true,
  ignoresHints: false,
  renewMs: 60_000,
  pollMs: 60_000,
  deadlineMs: 600_000,
  stop: new WatchStop(),
};

export async function start(options?: ScriptedImapOptions): Promise<ScriptedImap> {
  const server = await startScriptedImap(options);
  onTestFinished(() => server.close());
  return server;
}

export function inbox(...messages: readonly string[]): ScriptedImapOptions {
  return { folders: { INBOX: { uidValidity: 7, messages } } };
}

export async function connect(
  server: { readonly host: string; readonly port: number },
  options: { readonly clock?: Clock; readonly username?: string; readonly password?: string } = {},
): Promise<ImapflowSession> {
  const { clock = systemClock, username = 'anyone', password = 'secret' } = options;
  const connection = await openImapClient(
    { host: server.host, port: server.port, security: 'plain', verifyCertificate: true },
    { kind: 'password', username, password: { reveal: () => password } },
    {
      guard: { resolve: (address) => Promise.resolve({ address }) },
      plaintext: { allows: () => true },
      clock: systemClock,
      tls: imapTlsContext(),
      settings,
    },
    never,
  );
  const session = new ImapflowSession(connection, clock);
  onTestFinished(() => session.destroy());
  return session;
}

/** With INBOX open. */
export async function opened(
  server: { readonly host: string; readonly port: number },
  options: Parameters<typeof connect>[1] = {},
): Promise<ImapflowSession> {
  const session = await connect(server, options);
  await session.open('INBOX');
  return session;
}

export async function all(messages: AsyncIterable<FetchedMessage>): Promise<FetchedMessage[]> {
  const list: FetchedMessage[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

/** The fault that `work` rejects with; fails when it does not. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it was expected to fail');
}
