/** When the mail server first hinted at something in a folder since the folder was last waited for: the begin of a message's way. */
import type { FolderRef } from './ports/leases.ts';

export class HintClock {
  readonly #sinceMs = new Map<string, number>();

  /** The first hint counts; later ones are of the same pass. */
  hinted(folder: FolderRef, nowMs: number): void {
    const key = keyOf(folder);
    if (!this.#sinceMs.has(key)) this.#sinceMs.set(key, nowMs);
  }

  /** Everything that was hinted at is worked off, or nobody looks at the folder any more. */
  settled(folder: FolderRef): void {
    this.#sinceMs.delete(keyOf(folder));
  }

  /** Monotonic milliseconds of that hint; null without one: a backlog, or a look that nobody hinted at. */
  since(folder: FolderRef): number | null {
    return this.#sinceMs.get(keyOf(folder)) ?? null;
  }
}

function keyOf({ tenant, id, folder }: FolderRef): string {
  return `${tenant} ${id} ${folder}`;
}
