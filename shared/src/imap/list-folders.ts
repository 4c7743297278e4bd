import type { ImapFlow } from 'imapflow';

export interface ListedFolder {
  /** Unicode, as the server has it. */
  readonly path: string;
  readonly delimiter: string | null;
  /** `\Inbox`, `\Sent`, `\Trash`, ... (RFC 6154), by attribute or by well-known name; null for the others. */
  readonly specialUse: string | null;
  /** False for a node that only holds other folders. */
  readonly isSelectable: boolean;
  /** Null where it was not asked for, or the server does not tell. */
  readonly messages: number | null;
}

export interface FolderList {
  readonly folders: readonly ListedFolder[];
  /** More were there, or deeper ones, than are returned. */
  readonly isCut: boolean;
}

/** Servers may list without end (RFC 2683 section 3.2.1.1). */
const MAX_FOLDERS = 5_000;
const MAX_DEPTH = 20;
/** Each costs a round trip, and on some servers a look into the folder: with more, nobody would wait for the counts. */
const MAX_STATUS = 60;

/** LIST, special-use folders first. The caller bounds time and bytes; rejects with imapflow's error. */
export async function listFolders(
  client: ImapFlow,
  options: { readonly withCounts: boolean },
): Promise<FolderList> {
  const withCounts = options.withCounts && client.capabilities.has('LIST-STATUS');
  const listed = await client.list(withCounts ? { statusQuery: { messages: true } } : {});
  const seen = new Set<string>();
  const folders: ListedFolder[] = [];
  let isCut = false;
  for (const entry of listed) {
    if (entry.path === '' || seen.has(entry.path)) continue;
    seen.add(entry.path);
    if (folders.length >= MAX_FOLDERS || entry.parent.length >= MAX_DEPTH) {
      isCut = true;
      continue;
    }
    folders.push({
      path: entry.path,
      delimiter: entry.delimiter || null,
      specialUse: entry.specialUse ?? null,
      isSelectable: !entry.flags.has('\\Noselect') && !entry.flags.has('\\NonExistent'),
      messages: entry.status?.messages ?? null,
    });
  }
  return { folders: options.withCounts && !withCounts ? await counted(client, folders) : folders, isCut };
}

/** A server without LIST-STATUS is asked folder by folder. */
async function counted(client: ImapFlow, folders: readonly ListedFolder[]): Promise<readonly ListedFolder[]> {
  if (folders.length > MAX_STATUS) return folders;
  const all: ListedFolder[] = [];
  for (const folder of folders) {
    // A folder that cannot be looked into is listed all the same (no rights, or gone meanwhile).
    const status = folder.isSelectable
      ? await client.status(folder.path, { messages: true }).catch(() => false as const)
      : false;
    all.push({ ...folder, messages: status === false ? null : (status.messages ?? null) });
  }
  return all;
}
