/** One folder of a mail server: UIDs that may show late, messages that go away, a UIDVALIDITY that changes. */
import { EPOCH_MS, type ProcessModel } from './process-model.ts';

export interface MailModel {
  /** The message itself, whatever UID it has: its place in the order of delivery. */
  readonly number: number;
  /** Stands for its bytes. */
  readonly content: string;
  /** Below 0 for what was there before the world began. */
  readonly appendedAtMs: number;
  /** By the server's clock, whole seconds. */
  readonly internalDate: Date;
  /** The server's own name for it (RFC 8474), where it gives one. */
  readonly emailId: string | null;
  uid: number;
  /** Infinity while it is hidden. */
  visibleAtMs: number;
  isExpunged: boolean;
  /** FETCH did not deliver it once: later ones may overtake it. */
  wasLeftOut: boolean;
  /** How often FETCH may still leave it out. */
  leftOutBudget: number;
}

export interface SessionListener {
  /** Something changed that IDLE would tell. */
  changed(): void;
  /** The server closes the connection. */
  cut(): void;
  /** Its client is dead: the server's side ends, too. */
  processDied(process: ProcessModel): void;
}

export class MailboxModel {
  readonly key: string;
  readonly messages: MailModel[] = [];
  readonly sessions = new Set<SessionListener>();
  uidValidity: number;
  uidNext = 1;
  /** Renamed or deleted: nobody can open it. */
  isGone = false;
  /** Grows with every change that a client can see. */
  version = 0;
  /** UIDs under each UIDVALIDITY: which message they named. */
  readonly #names = new Map<string, MailModel>();

  constructor(key: string, uidValidity: number) {
    this.key = key;
    this.uidValidity = uidValidity;
  }

  append(
    mail: {
      readonly number: number;
      readonly content: string;
      readonly emailId: string | null;
      readonly isHidden: boolean;
    },
    nowMs: number,
  ): MailModel {
    const added: MailModel = {
      number: mail.number,
      content: mail.content,
      appendedAtMs: nowMs,
      internalDate: new Date(Math.floor((EPOCH_MS + nowMs) / 1000) * 1000),
      emailId: mail.emailId,
      uid: 0,
      visibleAtMs: mail.isHidden ? Infinity : nowMs,
      isExpunged: false,
      wasLeftOut: false,
      leftOutBudget: 2,
    };
    this.#name(added);
    this.messages.push(added);
    if (!mail.isHidden) this.#tell();
    return added;
  }

  reveal(mail: MailModel, nowMs: number): void {
    if (mail.visibleAtMs !== Infinity) return;
    mail.visibleAtMs = nowMs;
    this.#tell();
  }

  expunge(mail: MailModel): void {
    mail.isExpunged = true;
    this.#tell();
  }

  /** All UIDs are given anew, in the old order; sessions end. */
  renumber(): void {
    this.uidValidity += 1;
    this.uidNext = 1;
    for (const mail of this.messages) if (!mail.isExpunged) this.#name(mail);
    for (const session of [...this.sessions]) session.cut();
  }

  disappear(): void {
    this.isGone = true;
    for (const session of [...this.sessions]) session.cut();
  }

  comeBack(): void {
    this.isGone = false;
  }

  /** Deleted and made anew: empty, under another UIDVALIDITY. */
  recreate(): void {
    this.isGone = false;
    for (const mail of this.messages) mail.isExpunged = true;
    this.renumber();
  }

  visible(nowMs: number): readonly MailModel[] {
    return this.messages.filter((mail) => !mail.isExpunged && mail.visibleAtMs <= nowMs);
  }

  /** The message that a UID named. */
  named(uidValidity: number, uid: number): MailModel | null {
    return this.#names.get(`${uidValidity}/${uid}`) ?? null;
  }

  names(): ReadonlyMap<string, MailModel> {
    return this.#names;
  }

  #name(mail: MailModel): void {
    mail.uid = this.uidNext;
    this.uidNext += 1;
    this.#names.set(`${this.uidValidity}/${mail.uid}`, mail);
  }

  #tell(): void {
    this.version += 1;
    for (const session of this.sessions) session.changed();
  }
}
