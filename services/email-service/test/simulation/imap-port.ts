/** ImapConnector and ImapSession on a modelled mail server: commands take time, connections break, answers leave things out. */
import type { Fault } from '@mailstream/shared/domain/fault';
import { FaultError } from '@mailstream/shared/errors/fault-error';
import type { FetchedMessage, ImapConnector, ImapSession, OpenedFolder } from '../../src/ports/imap.ts';
import type { Checks } from './checks.ts';
import type { MailboxModel, MailModel, SessionListener } from './mailbox-model.ts';
import type { Mutations } from './mutations.ts';
import { attempt, describe, type Network } from './network.ts';
import type { ProcessModel } from './process-model.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface ImapContext {
  readonly process: ProcessModel;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly checks: Checks;
  readonly mutations: Mutations;
  readonly hasIdle: boolean;
  mailbox(providerId: string, folder: string): MailboxModel;
}

/** A command that nobody answers fails after this long, milliseconds (60 s in the real adapter, shorter to keep worlds short). */
const SILENT_MS = 8_000;

const LOST: Fault = {
  kind: 'transient',
  code: 'IMAP_CONNECTION_LOST',
  detail: 'modelled: the connection ended',
};
const FOLDER_GONE: Fault = {
  kind: 'folderGone',
  code: 'IMAP_FOLDER_MISSING',
  detail: 'modelled: no such folder',
};
const THROTTLED: Fault = {
  kind: 'throttled',
  code: 'IMAP_THROTTLED',
  detail: 'modelled: slow down',
  retryAfterMs: 3_000,
};

export function createImapPort(context: ImapContext): ImapConnector {
  const { process, scheduler, network, random } = context;
  return {
    connect: (provider, signal) =>
      new Promise<ImapSession>((resolve, reject) => {
        const { imapCut, imapSilent } = network.rates;
        const isRefused = imapCut > 0 && random.chance(2 * imapCut);
        const delayMs = imapSilent > 0 && random.chance(imapSilent) ? SILENT_MS : 2 * network.delayMs();
        // An abort is noticed at once, or the login comes through all the same.
        const ignoresAbort = random.chance(0.5);
        signal.addEventListener('abort', () => {
          if (!ignoresAbort)
            scheduler.after(0.1, process, 'connect aborted', () => reject(new FaultError(LOST)));
        });
        scheduler.after(delayMs, process, 'connect', () => {
          if (signal.aborted && !ignoresAbort) return;
          if (isRefused) return reject(new FaultError(random.chance(0.3) ? THROTTLED : LOST));
          const session = new SessionModel(context, provider.id);
          context.checks.connected(process, provider.id, session);
          resolve(session);
        });
      }),
  };
}

class SessionModel implements ImapSession, SessionListener {
  readonly capabilities: readonly string[];
  readonly closed: Promise<Fault | null>;
  readonly #context: ImapContext;
  readonly #providerId: string;
  readonly #pending = new Set<(fault: Fault) => void>();
  #resolveClosed: (fault: Fault | null) => void = () => undefined;
  #isDead = false;
  #isCutComing = false;
  #mailbox: MailboxModel | null = null;
  #folder = '';
  #seenVersion = 0;
  #wake: (() => void) | null = null;

  constructor(context: ImapContext, providerId: string) {
    this.#context = context;
    this.#providerId = providerId;
    this.capabilities = context.hasIdle ? ['IMAP4REV1', 'IDLE'] : ['IMAP4REV1'];
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** The server's side ends it; the client hears of it a moment later. */
  cut(): void {
    if (this.#isDead || this.#isCutComing) return;
    this.#isCutComing = true;
    const { scheduler, process, network } = this.#context;
    scheduler.after(network.delayMs(), process, 'connection lost', () => this.#die(LOST));
  }

  processDied(process: ProcessModel): void {
    if (process === this.#context.process) this.#mailbox?.sessions.delete(this);
  }

  changed(): void {
    const wake = this.#wake;
    if (wake === null) return;
    const { scheduler, process, network, random } = this.#context;
    // A push may be lost: the regular look finds the change.
    if (network.rates.noticeLost > 0 && random.chance(network.rates.noticeLost / 2)) return;
    scheduler.after(network.delayMs(), process, 'push', wake);
  }

  async open(folder: string): Promise<OpenedFolder> {
    return await this.#command('EXAMINE', () => {
      const { scheduler, checks, process, network, random } = this.#context;
      const mailbox = this.#context.mailbox(this.#providerId, folder);
      if (mailbox.isGone) throw new FaultError(FOLDER_GONE);
      // A replica that lags; never before the baseline, which would be another one then.
      const { staleExamine } = network.rates;
      const isStale = staleExamine > 0 && checks.baselineAt(mailbox) !== null && random.chance(staleExamine);
      this.#mailbox = mailbox;
      this.#folder = folder;
      mailbox.sessions.add(this);
      checks.folderOpened(process, mailbox, this);
      return {
        path: folder,
        uidValidity: mailbox.uidValidity,
        uidNext: isStale ? Math.max(1, mailbox.uidNext - random.between(1, 3)) : mailbox.uidNext,
        exists: mailbox.visible(scheduler.nowMs).length,
        uidNotSticky: false,
      };
    });
  }

  async listUids(from: number, exact: readonly number[]): Promise<readonly number[]> {
    return await this.#command(`SEARCH ${from}:*`, () => {
      const { scheduler, checks, process, mutations, random } = this.#context;
      const mailbox = this.#opened();
      this.#seenVersion = mailbox.version;
      checks.listed(process, mailbox);
      const uids = mailbox
        .visible(scheduler.nowMs)
        .map((mail) => mail.uid)
        .filter((uid) => uid >= from || exact.includes(uid));
      return mutations.unsortedUids ? random.shuffled(uids) : uids.sort((a, b) => a - b);
    });
  }

  async listUidsSince(day: string): Promise<readonly number[]> {
    return await this.#command(`SEARCH SINCE ${day}`, () =>
      this.#visible()
        .filter((mail) => mail.internalDate.getTime() >= Date.parse(day))
        .map((mail) => mail.uid)
        .sort((a, b) => a - b),
    );
  }

  async sizes(
    uids: readonly number[],
  ): Promise<ReadonlyMap<number, { readonly size: number; readonly internalDate: Date | null }>> {
    return await this.#command('FETCH sizes', () => {
      const found = new Map<number, { size: number; internalDate: Date | null }>();
      for (const mail of this.#visible())
        if (uids.includes(mail.uid)) found.set(mail.uid, { size: 1_000, internalDate: mail.internalDate });
      return found;
    });
  }

  async *fetch(
    uids: readonly number[],
    _firstBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<FetchedMessage> {
    const { random, network } = this.#context;
    const stop = (): void => this.#die(null);
    signal.addEventListener('abort', stop);
    try {
      for (const uid of random.chance(0.2) ? random.shuffled(uids) : uids) {
        const mail = await this.#command(`FETCH ${uid}`, () => {
          const found = this.#visible().find((other) => other.uid === uid) ?? null;
          const isLeftOut =
            found !== null &&
            found.leftOutBudget > 0 &&
            network.rates.leftOut > 0 &&
            random.chance(network.rates.leftOut);
          if (!isLeftOut) return found;
          found.leftOutBudget -= 1;
          found.wasLeftOut = true;
          return null;
        });
        if (mail !== null) yield toFetched(mail);
        else if (random.chance(0.3)) yield { ...NO_BODY, uid };
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  // Bodies are shorter than what is asked for first.
  // oxlint-disable-next-line require-yield
  async *fetchRest(): AsyncIterable<Uint8Array> {
    throw new Error('the model has no long messages');
  }

  async watch(options: Parameters<ImapSession['watch']>[0]): Promise<'changed' | 'elapsed' | 'stopped'> {
    const { process } = this.#context;
    const mailbox = this.#opened();
    if (this.#isDead) throw new FaultError(LOST);
    if (options.stop.isStopped) return 'stopped';
    const isDeaf = options.ignoresHints;
    if (!isDeaf && mailbox.version !== this.#seenVersion) return 'changed';
    const cancels: (() => void)[] = [];
    try {
      return await new Promise((resolve, reject) => {
        const fail = (fault: Fault): void => reject(new FaultError(fault));
        this.#pending.add(fail);
        cancels.push(() => this.#pending.delete(fail));
        options.stop.onStop = () => resolve('stopped');
        cancels.push(process.clock.schedule(options.deadlineMs, () => resolve('elapsed')));
        if (options.useIdle && !isDeaf) this.#wake = () => resolve('changed');
        else if (!isDeaf) cancels.push(this.#poll(mailbox, options.pollMs, () => resolve('changed')));
        // What only a round on the wire finds out.
        this.#strike();
      });
    } finally {
      this.#wake = null;
      options.stop.onStop = null;
      for (const cancel of cancels) cancel();
    }
  }

  async logout(): Promise<void> {
    if (this.#isDead) return;
    const { scheduler, process, network } = this.#context;
    await new Promise<void>((resolve) => {
      scheduler.after(Math.min(1_000, network.delayMs()), process, 'LOGOUT', () => {
        this.#die(null);
        resolve();
      });
    });
  }

  destroy(): void {
    this.#die(null);
  }

  #poll(mailbox: MailboxModel, pollMs: number, changed: () => void): () => void {
    let cancel = (): void => undefined;
    const arm = (): void => {
      cancel = this.#context.process.clock.schedule(pollMs, () => {
        if (mailbox.version !== this.#seenVersion) changed();
        else arm();
      });
    };
    arm();
    return () => cancel();
  }

  #command<T>(name: string, effect: () => T): Promise<T> {
    const { scheduler, process, network, random } = this.#context;
    return new Promise<T>((resolve, reject) => {
      if (this.#isDead) return reject(new FaultError(LOST));
      const fail = (fault: Fault): void => reject(new FaultError(fault));
      this.#pending.add(fail);
      if (this.#strike()) return;
      const { imapSilent } = network.rates;
      if (imapSilent > 0 && random.chance(imapSilent)) {
        scheduler.after(SILENT_MS, process, `${name} has no answer`, () =>
          this.#die({ kind: 'transient', code: 'IMAP_TIMEOUT', detail: 'modelled: no answer' }),
        );
        return;
      }
      scheduler.after(network.delayMs(), null, '', () => {
        if (this.#isDead || this.#isCutComing || !process.isAlive) return;
        const outcome = attempt(effect);
        if (scheduler.isTracing) scheduler.note(`  ${process.name} ${name} → ${describe(outcome)}`);
        scheduler.after(network.delayMs(), process, `${name} answered`, () => {
          if (!this.#pending.delete(fail)) return;
          if (outcome.kind === 'value') resolve(outcome.value);
          else reject(outcome.error);
        });
      });
    });
  }

  /** Now and then a connection breaks. */
  #strike(): boolean {
    const { network, random } = this.#context;
    if (network.rates.imapCut === 0 || !random.chance(network.rates.imapCut)) return false;
    this.cut();
    return true;
  }

  #die(fault: Fault | null): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#mailbox?.sessions.delete(this);
    this.#context.checks.sessionEnded(this);
    for (const fail of this.#pending) fail(fault ?? LOST);
    this.#pending.clear();
    this.#resolveClosed(fault);
  }

  #opened(): MailboxModel {
    if (this.#mailbox === null) throw new Error(`no folder is open: ${this.#folder}`);
    return this.#mailbox;
  }

  #visible(): readonly MailModel[] {
    return this.#opened().visible(this.#context.scheduler.nowMs);
  }
}

const NO_BODY = {
  announcedSize: 1_000,
  internalDate: null,
  emailId: null,
  threadId: null,
  head: null,
  maybeMore: false,
} as const;

function toFetched(mail: MailModel): FetchedMessage {
  return {
    uid: mail.uid,
    announcedSize: 1_000,
    internalDate: mail.internalDate,
    emailId: mail.emailId,
    threadId: null,
    head: new TextEncoder().encode(mail.content),
    maybeMore: false,
  };
}
