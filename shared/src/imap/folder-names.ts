/**
 * Folder names as people choose them and servers list them, in Unicode; modified UTF-7 on the wire is imapflow's.
 * Pure.
 */
import { FaultError } from '../errors/fault-error.ts';

/** Longest name sent, characters: far above what servers take, far below what would hurt. */
const LONGEST_NAME = 1_000;

/**
 * Refuses what cannot be a folder: control characters would end or change the command, half a surrogate pair is no text.
 * `inbox` in any case is INBOX (RFC 9051 section 5.1).
 * @throws FaultError `IMAP_FOLDER_MISSING`
 */
export function checkedFolderName(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  if (name === '' || name.length > LONGEST_NAME || /[\u0000-\u001f\u007f]|\p{Cs}/u.test(name)) {
    throw new FaultError({
      kind: 'folderGone',
      code: 'IMAP_FOLDER_MISSING',
      detail: 'this cannot be the name of a folder',
    });
  }
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

/**
 * The listed folder that is meant by `wanted`: the exact name, else the only one that differs in case, else the only one
 * that does so behind the namespace prefix (`Sent` for `INBOX.Sent`). Null when there is none, or more than one.
 */
export function matchFolder(
  wanted: string,
  listed: readonly string[],
  namespacePrefix: string,
): string | null {
  if (listed.includes(wanted)) return wanted;
  const folded = fold(wanted);
  const prefixed = fold(namespacePrefix + wanted);
  return only(listed, (name) => fold(name) === folded) ?? only(listed, (name) => fold(name) === prefixed);
}

function only(listed: readonly string[], matches: (name: string) => boolean): string | null {
  const found = listed.filter(matches);
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** Normal form too: macOS writes `é` as two characters. */
function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
