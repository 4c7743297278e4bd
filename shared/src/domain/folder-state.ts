/**
 * The cursor of one folder, as kept in `imap_email_provider_config.folder_state` under the folder's name.
 * Written only by one SQL statement per folder that is conditional on owner and epoch (DESIGN section 4).
 * Invariant: every UID in (baselineUid, lastUid] that is not in `holes` is settled (in the ledger or confirmed gone).
 */
export interface FolderState {
  readonly uidValidity: number;
  /** Everything at or below was there before the first connect and is not ours. */
  readonly baselineUid: number;
  /**
   * INTERNALDATE of the newest message at the baseline, by the mail server's clock, ISO 8601; null for an empty folder.
   * After a UIDVALIDITY change it tells mail from before the baseline from new mail.
   */
  readonly baselineDate: string | null;
  /** How many messages at the baseline have exactly that INTERNALDATE: it counts in seconds, so new mail may share it. */
  readonly baselineTies: number;
  /**
   * How many of those are not at the folder's beginning, because a server that gave out new UIDs did so in another order; absent
   * when all are.
   */
  readonly baselineTiesAbove?: number;
  readonly lastUid: number;
  /** UIDs at or below `lastUid` that the server listed but did not deliver: asked for again at each pass. */
  readonly holes: readonly number[];
  /** Last `publish_seq` given out in this folder. */
  readonly publishSeq: number;
  /**
   * After a UIDVALIDITY change: UIDs up to here may be old acquaintances and are matched by content, also those that show late.
   * 0 for a folder that never changed.
   */
  readonly revalidateUpTo: number;
  /** When the folder was last seen in sync, ISO 8601, or null. */
  readonly lastSeenAt: string | null;
}

/** The JSON form (snake case, numbers as decimal strings because a UID may exceed 31 bits in other readers). */
export interface FolderStateJson {
  readonly uid_validity: string;
  readonly baseline_uid: string;
  readonly baseline_date: string | null;
  readonly baseline_ties: string;
  readonly baseline_ties_above?: string;
  readonly last_uid: string;
  readonly holes: readonly number[];
  readonly publish_seq: string;
  readonly revalidate_up_to: string;
  readonly last_seen_at: string | null;
}

export function encodeFolderState(state: FolderState): FolderStateJson {
  return {
    uid_validity: String(state.uidValidity),
    baseline_uid: String(state.baselineUid),
    baseline_date: state.baselineDate,
    baseline_ties: String(state.baselineTies),
    ...(state.baselineTiesAbove === undefined
      ? {}
      : { baseline_ties_above: String(state.baselineTiesAbove) }),
    last_uid: String(state.lastUid),
    holes: state.holes,
    publish_seq: String(state.publishSeq),
    revalidate_up_to: String(state.revalidateUpTo),
    last_seen_at: state.lastSeenAt,
  };
}

/** Returns null for anything that is not a whole state: the folder then starts anew at its own baseline. */
export function decodeFolderState(json: unknown): FolderState | null {
  if (typeof json !== 'object' || json === null) return null;
  const raw = json as Partial<Record<keyof FolderStateJson, unknown>>;
  const uidValidity = toCount(raw.uid_validity);
  const lastUid = toCount(raw.last_uid);
  if (uidValidity === null || lastUid === null) return null;
  const tiesAbove = toCount(raw.baseline_ties_above);
  return {
    uidValidity,
    baselineUid: toCount(raw.baseline_uid) ?? lastUid,
    baselineDate: typeof raw.baseline_date === 'string' ? raw.baseline_date : null,
    baselineTies: toCount(raw.baseline_ties) ?? 0,
    ...(tiesAbove === null ? {} : { baselineTiesAbove: tiesAbove }),
    lastUid,
    holes: Array.isArray(raw.holes) ? raw.holes.map(toCount).filter((uid) => uid !== null) : [],
    publishSeq: toCount(raw.publish_seq) ?? 0,
    revalidateUpTo: toCount(raw.revalidate_up_to) ?? 0,
    lastSeenAt: typeof raw.last_seen_at === 'string' ? raw.last_seen_at : null,
  };
}

function toCount(value: unknown): number | null {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
  return Number.isSafeInteger(number) && number >= 0 ? number : null;
}
