/**
 * What must hold. Some of it is looked at in every step (one live session, one owner that trusts its term, no write of a fenced
 * owner, no cursor past a message without its row), the rest when everything has come to rest.
 */
import type { FolderState } from '@mailstream/shared/domain/folder-state';
import type { ProviderId } from '@mailstream/shared/domain/ids';
import type { StartFrom } from '@mailstream/shared/domain/provider';
import type { FolderRef } from '../../src/ports/leases.ts';
import type { MailboxModel, MailModel } from './mailbox-model.ts';
import { rowKey, type PostgresModel } from './postgres-model.ts';
import type { ProcessModel } from './process-model.ts';
import type { Scheduler } from './scheduler.ts';

/** What the checks ask the world. */
export interface Observed {
  readonly scheduler: Scheduler;
  readonly postgres: PostgresModel;
  readonly startFrom: StartFrom;
  mailbox(providerId: string, folder: string): MailboxModel;
  folderCount(providerId: string): number;
  /** Until when each living process trusts its term for the provider, by the common monotonic clock; only those that do. */
  trusting(providerId: ProviderId): readonly { readonly process: ProcessModel; readonly untilMs: number }[];
}

interface Listing {
  readonly uidValidity: number;
  readonly atMs: number;
}

export class Checks {
  readonly #observed: Observed;
  readonly #sessions = new Map<
    object,
    { readonly process: ProcessModel; readonly place: string; readonly most: number }
  >();
  readonly #listings = new Map<string, Listing>();
  /** First EXAMINE and first stored baseline of each folder, virtual milliseconds. */
  readonly #firstOpen = new Map<string, number>();
  readonly #baselines = new Map<string, number>();
  /** Below their folder's baseline: nobody asked for them. */
  readonly #old = new Set<MailModel>();
  #hasNewSession = false;
  #failure: string | null = null;
  requeues = 0;
  /** How often a message ended its parser, by event id. */
  readonly parserKills = new Map<string, number>();

  constructor(observed: Observed) {
    this.#observed = observed;
  }

  /** The first thing that did not hold, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  fail(text: string): void {
    this.#failure ??= text;
    this.#observed.scheduler.note(`FAILED ${text}`);
  }

  baselineAt(mailbox: MailboxModel): number | null {
    return this.#baselines.get(mailbox.key) ?? null;
  }

  isOld(mail: MailModel): boolean {
    return this.#old.has(mail);
  }

  /** Somebody has just got the lease: nobody else may trust an older term any more. */
  acquired(by: ProcessModel, id: ProviderId): void {
    const { postgres, scheduler } = this.#observed;
    if (postgres.hasLostCommits || postgres.hasSteppedClock) return;
    for (const { process, untilMs } of this.#observed.trusting(id))
      if (process !== by && untilMs > scheduler.nowMs)
        this.fail(
          `lease: ${by.name} got it while ${process.name} trusts its term until ${untilMs.toFixed(0)}`,
        );
  }

  written(by: ProcessModel, folder: FolderRef, isOwner: boolean): void {
    if (!isOwner) this.fail(`fence: ${by.name} wrote ${folder.folder} although its term is over`);
  }

  connected(process: ProcessModel, providerId: string, session: object): void {
    this.#sessions.set(session, { process, place: providerId, most: this.#observed.folderCount(providerId) });
    this.#hasNewSession = true;
  }

  folderOpened(process: ProcessModel, mailbox: MailboxModel, session: object): void {
    if (!this.#firstOpen.has(mailbox.key)) this.#firstOpen.set(mailbox.key, this.#observed.scheduler.nowMs);
    this.#sessions.set(session, { process, place: mailbox.key, most: 1 });
    this.#hasNewSession = true;
  }

  sessionEnded(session: object): void {
    this.#sessions.delete(session);
  }

  /** After the microtasks of a step. */
  afterTurn(): void {
    if (!this.#hasNewSession) return;
    this.#hasNewSession = false;
    const counts = new Map<string, number>();
    for (const { process, place, most } of this.#sessions.values()) {
      if (!process.isAlive) continue;
      const key = `${process.name} ${place}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count > most) this.fail(`sessions: ${count} live ones of ${key}`);
    }
  }

  listed(process: ProcessModel, mailbox: MailboxModel): void {
    this.#listings.set(`${process.name} ${mailbox.key}`, {
      uidValidity: mailbox.uidValidity,
      atMs: this.#observed.scheduler.nowMs,
    });
  }

  /** The cursor must not pass a message that the writer had listed before, unless it has a row, is gone, or is a hole. */
  stateStored(
    process: ProcessModel,
    folder: FolderRef,
    state: FolderState,
    before: FolderState | null,
  ): void {
    const { postgres, scheduler } = this.#observed;
    const mailbox = this.#observed.mailbox(folder.id, folder.folder);
    if (!this.#baselines.has(mailbox.key)) {
      this.#baselines.set(mailbox.key, scheduler.nowMs);
      this.#judgeBaseline(mailbox, state.baselineUid);
      // A database restored to before the baseline has a new one: a documented limit, not explored.
      postgres.forgetLog();
    }
    const listing = this.#listings.get(`${process.name} ${mailbox.key}`);
    if (listing?.uidValidity !== state.uidValidity) return;
    const holes = new Set(state.holes);
    // What shows late below the cursor is found by the overlap: only what this write passes counts.
    const from =
      before?.uidValidity === state.uidValidity
        ? Math.max(before.lastUid, state.baselineUid)
        : state.baselineUid;
    for (let uid = from + 1; uid <= state.lastUid; uid += 1) {
      const mail = mailbox.named(state.uidValidity, uid);
      if (mail === null || mail.isExpunged || mail.visibleAtMs >= listing.atMs || holes.has(uid)) continue;
      if (postgres.state.rows.has(rowKey(folder.id, folder.folder, state.uidValidity, uid))) continue;
      this.fail(`cursor: ${process.name} moved ${mailbox.key} to ${state.lastUid}, ${uid} has no row`);
    }
  }

  /** Where a folder begins is decided once, by the settings and by what was there when it was opened first. */
  #judgeBaseline(mailbox: MailboxModel, baselineUid: number): void {
    const { scheduler, startFrom } = this.#observed;
    for (const mail of mailbox.messages) if (mail.uid <= baselineUid) this.#old.add(mail);
    const present = mailbox.visible(scheduler.nowMs);
    const firstOpen = this.#firstOpen.get(mailbox.key) ?? 0;
    const before = present.filter((mail) => mail.appendedAtMs < firstOpen);
    // Also what was expunged since it was listed.
    const ours = mailbox.messages.filter((mail) => !this.#old.has(mail));
    const oursBefore = before.filter((mail) => !this.#old.has(mail));
    const isWrong = {
      now: () => oursBefore.length > 0,
      last: (count: number) => oursBefore.length > count || ours.length < Math.min(count, present.length),
      since: (date: string) =>
        before.some((mail) => this.#old.has(mail) === mail.internalDate.getTime() >= Date.parse(date)),
    };
    const wrong =
      startFrom.kind === 'now'
        ? isWrong.now()
        : startFrom.kind === 'last'
          ? isWrong.last(startFrom.count)
          : isWrong.since(startFrom.date);
    if (wrong)
      this.fail(`baseline: ${mailbox.key} begins above ${baselineUid}, ${JSON.stringify(startFrom)}`);
  }

  parserKilled(event: string): void {
    this.parserKills.set(event, (this.parserKills.get(event) ?? 0) + 1);
  }

  requeued(): void {
    this.requeues += 1;
  }
}
