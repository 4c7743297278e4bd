/** Folders and messages of the scripted IMAP server. */

export interface ScriptedMessage {
  readonly uid: number;
  readonly raw: Buffer;
  readonly internalDate: Date;
  readonly flags: ReadonlySet<string>;
  /** EMAILID, sent where the server offers OBJECTID. */
  readonly emailId: string | null;
}

export interface MessageOptions {
  readonly uid?: number;
  readonly internalDate?: Date;
  readonly flags?: readonly string[];
  readonly emailId?: string;
  /** There, with a UID, but not shown to anyone before `reveal` (imap-facts: UIDs shown out of order). */
  readonly hidden?: boolean;
}

export interface FolderOptions {
  readonly uidValidity?: number;
  /** What EXAMINE tells; default: one above the largest UID ever given. */
  readonly uidNext?: number;
  /** LIST attributes, e.g. `\\Sent`, `\\Noselect`. */
  readonly attributes?: readonly string[];
  readonly messages?: readonly (string | Buffer)[];
  /** Sends [UIDNOTSTICKY] (RFC 4315 section 3). */
  readonly uidNotSticky?: boolean;
}

export class ScriptedFolder {
  readonly name: string;
  uidValidity: number;
  attributes: readonly string[];
  uidNotSticky: boolean;
  /** Overrides the UIDNEXT that is told: a server that rewinds or inflates it. */
  toldUidNext: number | null;
  #nextUid = 1;
  #messages: ScriptedMessage[] = [];
  readonly #hidden = new Set<number>();

  constructor(name: string, options: FolderOptions) {
    this.name = name;
    this.uidValidity = options.uidValidity ?? 1;
    this.attributes = options.attributes ?? [];
    this.uidNotSticky = options.uidNotSticky ?? false;
    this.toldUidNext = options.uidNext ?? null;
    for (const raw of options.messages ?? []) this.add(raw);
  }

  get uidNext(): number {
    return this.toldUidNext ?? this.#nextUid;
  }

  /** What a client can see, by UID. */
  get visible(): readonly ScriptedMessage[] {
    return this.#messages.filter(({ uid }) => !this.#hidden.has(uid));
  }

  add(raw: string | Buffer, options: MessageOptions = {}): ScriptedMessage {
    const uid = options.uid ?? this.#nextUid;
    this.#nextUid = Math.max(this.#nextUid, uid + 1);
    const message: ScriptedMessage = {
      uid,
      raw: typeof raw === 'string' ? Buffer.from(raw) : raw,
      internalDate: options.internalDate ?? new Date(),
      flags: new Set(options.flags),
      emailId: options.emailId ?? null,
    };
    this.#messages = [...this.#messages, message].sort((a, b) => a.uid - b.uid);
    if (options.hidden === true) this.#hidden.add(uid);
    return message;
  }

  reveal(uid: number): void {
    this.#hidden.delete(uid);
  }

  expunge(uid: number): void {
    this.#messages = this.#messages.filter((message) => message.uid !== uid);
  }

  /** Another UIDVALIDITY, with the same messages under new UIDs from 1. */
  rebuild(uidValidity: number): void {
    const old = this.#messages;
    this.uidValidity = uidValidity;
    this.#messages = [];
    this.#nextUid = 1;
    for (const { raw, internalDate, flags } of old) this.add(raw, { internalDate, flags: [...flags] });
  }
}

/**
 * A sequence set (RFC 9051 section 9) as a test; `*` is `last`, ends in any order.
 * With `last` 0 (empty folder) `*` matches nothing.
 */
export function inSequenceSet(set: string, last: number): (value: number) => boolean {
  const ranges = set.split(',').map((part) => {
    const [a = '0', b = a] = part.split(':');
    const ends = [a, b].map((end) => (end === '*' ? last : Number(end)));
    return [Math.min(...ends), Math.max(...ends)] as const;
  });
  return (value) => ranges.some(([low, high]) => value >= low && value <= high);
}
