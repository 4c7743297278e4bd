/** `ImapConnector` and `ImapSession` on imapflow. Read-only: EXAMINE and BODY.PEEK; nothing here sets a flag. */
import type { Fault } from '@mailstream/shared/domain/fault';
import type { Clock } from '@mailstream/shared/domain/time';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { ImapClientConnector } from '@mailstream/shared/imap/connector';
import { checkedFolderName, matchFolder } from '@mailstream/shared/imap/folder-names';
import type { ImapConnection } from '@mailstream/shared/imap/imap-client';
import type { ImapPhase } from '@mailstream/shared/imap/imap-fault-table';
import { listFolders } from '@mailstream/shared/imap/list-folders';
import { openRange, sortedUids, uidSets } from '@mailstream/shared/imap/uid-sets';
import type { ImapFlow, MailboxObject, SearchObject } from 'imapflow';
import type { FetchedMessage, ImapConnector, ImapSession, OpenedFolder } from '../ports/imap.ts';
import { ESEARCH_RETURN, uidsOfEsearch } from './imap-esearch.ts';
import { COMMAND_DEADLINE_MS, fetchParts, fetchRows, headQuery, toFetchedMessage } from './imap-fetch.ts';
import { type CommandLimits, LiveClient } from './imap-live-client.ts';
import { watchFolder } from './imap-watch.ts';

/** LOGOUT is a courtesy: longer than this nobody waits for it, milliseconds. The next owner of the mailbox does wait. */
const LOGOUT_DEADLINE_MS = 300;
/** Answers to EXAMINE, LIST and SEARCH stay far below, bytes: 4 MiB are some 50,000 folders or 400,000 UIDs. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
/**
 * A SEARCH result is one line, and lines are limited to 1 MiB: larger mailboxes are searched in parts of this many. A line is read in
 * one turn of the event loop, and one of 50,000 UIDs keeps everybody else waiting for 300 ms (issue 7).
 */
const SEARCH_PART = 5_000;
/** Ten million messages; a server that claims more is not believed. */
const MOST_SEARCH_PARTS = 2_000;

export function createImapSessionConnector(connector: ImapClientConnector, clock: Clock): ImapConnector {
  return {
    connect: async (provider, signal) =>
      new ImapflowSession(await connector.connect(provider, signal), clock),
  };
}

export class ImapflowSession implements ImapSession {
  readonly capabilities: readonly string[];
  readonly closed: Promise<Fault | null>;
  readonly #live: LiveClient;
  readonly #namespacePrefix: ImapConnection['namespacePrefix'];
  #takesEsearch: boolean;

  constructor(connection: ImapConnection, clock: Clock) {
    this.#live = new LiveClient(connection, clock);
    this.#namespacePrefix = connection.namespacePrefix;
    this.capabilities = [...connection.client.capabilities.keys()];
    this.#takesEsearch = connection.client.capabilities.has('ESEARCH');
    this.closed = this.#live.closed;
  }

  async open(folder: string): Promise<OpenedFolder> {
    const wanted = checkedFolderName(folder);
    try {
      return await this.#examine(wanted);
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'folderGone') throw error;
      const match = await this.#similarFolder(wanted);
      if (match === null || match === wanted) throw error;
      return await this.#examine(match);
    }
  }

  async listUids(from: number, exact: readonly number[]): Promise<readonly number[]> {
    const asked = new Set(exact);
    const uids = await this.#listed(async () => {
      const found: number[] = [];
      for (const uid of uidSets(exact.filter((each) => each < from)))
        found.push(...(await this.#search({ uid })));
      const range = openRange(from);
      if (range !== null) found.push(...(await this.#searchAll({ uid: range }, from)));
      return found;
    });
    return uids.filter((uid) => uid >= from || asked.has(uid));
  }

  async listUidsSince(day: string): Promise<readonly number[]> {
    return await this.#listed(() => this.#searchAll({ since: new Date(`${day}T00:00:00Z`) }, 1));
  }

  async sizes(
    uids: readonly number[],
  ): Promise<ReadonlyMap<number, { readonly size: number; readonly internalDate: Date | null }>> {
    const sizes = new Map<number, { readonly size: number; readonly internalDate: Date | null }>();
    const plan = { uids, query: { uid: true, size: true, internalDate: true }, bytesEach: 0 };
    for await (const row of fetchRows(this.#live, plan, new AbortController().signal)) {
      const { announcedSize: size, internalDate } = toFetchedMessage(row, 0);
      sizes.set(row.uid, { size, internalDate });
    }
    return sizes;
  }

  async *fetch(
    uids: readonly number[],
    firstBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<FetchedMessage> {
    const plan = { uids, query: headQuery(firstBytes), bytesEach: firstBytes };
    for await (const row of fetchRows(this.#live, plan, signal)) yield toFetchedMessage(row, firstBytes);
  }

  fetchRest(
    uid: number,
    offset: number,
    chunkBytes: () => number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    return fetchParts(this.#live, { uid, offset, chunkBytes }, signal);
  }

  async watch(options: Parameters<ImapSession['watch']>[0]): Promise<'changed' | 'elapsed' | 'stopped'> {
    return await watchFolder(this.#live, options);
  }

  async logout(): Promise<void> {
    if (this.#live.isClosed) return;
    this.#live.expectEnd();
    this.#live.setTimer(LOGOUT_DEADLINE_MS, () => this.#live.die(null));
    await this.#live.client.logout().catch(() => undefined);
    this.#live.die(null);
  }

  destroy(): void {
    this.#live.die(null);
  }

  async #examine(path: string): Promise<OpenedFolder> {
    const live = this.#live;
    let uidNotSticky = false;
    live.onLine = (line) => {
      uidNotSticky ||= /^\* (?:NO|OK) \[UIDNOTSTICKY\]/i.test(line);
    };
    live.folderOpens();
    skipListing(live.client, path);
    const mailbox = await live.command(limits('opening'), () =>
      live.client.mailboxOpen(path, { readOnly: true }),
    );
    const { uidValidity } = mailbox as Partial<MailboxObject>;
    const opened = {
      path: mailbox.path,
      uidValidity: Number(uidValidity ?? 0),
      uidNext: mailbox.uidNext ?? 0,
      exists: mailbox.exists ?? 0,
      // No UIDVALIDITY at all: the server does not keep UIDs (RFC 3501 section 6.3.1).
      uidNotSticky: uidNotSticky || uidValidity === undefined,
    };
    live.onLine = (line) => this.#noticeUidValidity(line, opened.uidValidity);
    return opened;
  }

  /** A folder cannot get another UIDVALIDITY while it is open; a server that says so is reconnected to and opened anew. */
  #noticeUidValidity(line: string, known: number): void {
    const told = /^\* OK \[UIDVALIDITY (\d+)\]/i.exec(line)?.[1];
    if (told === undefined || Number(told) === known) return;
    this.#live.dieLater({
      kind: 'transient',
      code: 'IMAP_CONNECTION_LOST',
      detail: 'UIDVALIDITY of the open folder has changed',
    });
  }

  async #similarFolder(wanted: string): Promise<string | null> {
    const { client } = this.#live;
    const { list, prefix } = await this.#live.command(limits('opening'), async () => ({
      list: await listFolders(client, { withCounts: false }),
      prefix: await this.#namespacePrefix(),
    }));
    const selectable = list.folders.filter(({ isSelectable }) => isSelectable);
    return matchFolder(
      wanted,
      selectable.map(({ path }) => path),
      prefix,
    );
  }

  /**
   * Dovecot searches what it has told us about and tells what is new with the answer, so news that comes meanwhile may be
   * missing from it: then once more. What comes after that is news for the next `watch`.
   */
  async #listed(search: () => Promise<readonly number[]>): Promise<readonly number[]> {
    this.#live.forgetNews();
    const uids = sortedUids(await search());
    if (!this.#live.hasNews) return uids;
    this.#live.forgetNews();
    return sortedUids(await search());
  }

  /**
   * A search whose result may be too long for one line is done in parts of the folder, by sequence number, from the end:
   * an EXPUNGE between two parts moves messages towards the beginning, so one may be found twice, none is missed.
   */
  async #searchAll(query: SearchObject, from: number): Promise<readonly number[]> {
    const { mailbox } = this.#live.client;
    const exists = mailbox === false ? 0 : (mailbox.exists ?? 0);
    // imapflow knows UIDNEXT as it was when the folder was opened.
    const span =
      mailbox === false || !mailbox.uidNext
        ? exists
        : Math.max(0, mailbox.uidNext - from) + this.#live.arrived;
    if (Math.min(exists, span) <= SEARCH_PART) return await this.#search(query);
    if (exists > SEARCH_PART * MOST_SEARCH_PARTS) {
      throw new FaultError({
        kind: 'transient',
        code: 'IMAP_PROTOCOL',
        detail: `the folder claims ${exists} messages`,
      });
    }
    const found: number[] = [];
    for (let first = exists - SEARCH_PART + 1, last = '*'; ; first -= SEARCH_PART) {
      found.push(...(await this.#search({ seq: `${Math.max(first, 1)}:${last}`, ...query })));
      if (first <= 1) return found;
      last = String(first - 1);
    }
  }

  async #search(query: SearchObject): Promise<readonly number[]> {
    const live = this.#live;
    if (this.#takesEsearch) {
      const uids = await live.command(limits('working'), async () => {
        const found = await live.client.search(query, { uid: true, returnOptions: ESEARCH_RETURN });
        if (typeof found === 'object') return Array.isArray(found) ? null : uidsOfEsearch(found);
        live.takeSwallowed();
        return null;
      });
      if (uids !== null) return uids;
      // What it refused or answered wrongly is not asked for again on this connection.
      this.#takesEsearch = false;
    }
    return await live.command(limits('working'), async () => {
      const found = await live.client.search(query, { uid: true });
      if (!Array.isArray(found)) throw live.takeSwallowed();
      return found;
    });
  }
}

/**
 * imapflow asks LIST and LSUB about a folder before it opens it, for its delimiter and its uses, which nobody here wants: two of the
 * eight round trips from a connection to IDLE. It does not where it knows the folder. What it knows is no documented property;
 * without it the two are asked.
 */
function skipListing(client: ImapFlow, path: string): void {
  const { folders } = client as unknown as { readonly folders?: unknown };
  const name = path.toUpperCase() === 'INBOX' ? 'INBOX' : path;
  if (folders instanceof Map && !folders.has(name)) folders.set(name, { path: name });
}

function limits(phase: ImapPhase): CommandLimits {
  return { phase, deadlineMs: COMMAND_DEADLINE_MS, maxBytes: ANSWER_MAX_BYTES };
}
