/** Deliberate faults of the modelled surroundings or of wrapped ports, to prove that the checks see them. Production code has none. */
export interface Mutations {
  /** Writes of an owner whose term is over are taken. */
  readonly noFence: boolean;
  /** The cursor moves past a message that gets no ledger row. */
  readonly cursorWithoutRow: boolean;
  /** The cursor is stored whatever the row holds. */
  readonly blindCursor: boolean;
  /** The append script does not look whether the entry is there already. */
  readonly noWatermark: boolean;
  /** The append script does not look whether an entry before it is missing. */
  readonly noGapCheck: boolean;
  readonly noRecovery: boolean;
  readonly noReconciliation: boolean;
  /** The worker makes an effect for each delivery. */
  readonly noGate: boolean;
  /** The worker acknowledges before its transaction. */
  readonly earlyAcknowledgement: boolean;
  /** A lease is given back while its listeners still run. */
  readonly earlyRelease: boolean;
  /** A renewal counts although its reply was an error. */
  readonly blindRenewal: boolean;
  /** The term is trusted for ever. */
  readonly endlessTrust: boolean;
  /** A process that starts again calls itself by its old name. */
  readonly sameOwner: boolean;
  /** UIDs come in the order of the server's answer. */
  readonly unsortedUids: boolean;
  /** A batch counts as stored before its commit, which may fail. */
  readonly settledWithoutCommit: boolean;
  /** An append whose outcome is unknown counts as done. */
  readonly blindPublish: boolean;
  /** The stream is cut to a length, whoever has not read it. */
  readonly trimByLength: boolean;
  /** What FETCH leaves out counts as gone. */
  readonly leftOutIsGone: boolean;
  /** Nobody notices that a store lost data. */
  readonly noStoreWatch: boolean;
  /** After a UIDVALIDITY change nothing is recognised. */
  readonly noMatching: boolean;
  /** After a UIDVALIDITY change one message explains all of the same content. */
  readonly greedyMatching: boolean;
}

export const NO_MUTATIONS: Mutations = {
  noFence: false,
  cursorWithoutRow: false,
  blindCursor: false,
  noWatermark: false,
  noGapCheck: false,
  noRecovery: false,
  noReconciliation: false,
  noGate: false,
  earlyAcknowledgement: false,
  earlyRelease: false,
  blindRenewal: false,
  endlessTrust: false,
  sameOwner: false,
  unsortedUids: false,
  settledWithoutCommit: false,
  blindPublish: false,
  trimByLength: false,
  leftOutIsGone: false,
  noStoreWatch: false,
  noMatching: false,
  greedyMatching: false,
};
