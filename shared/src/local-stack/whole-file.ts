/** Files that a reader finds whole or not at all. */
import { rename, writeFile } from 'node:fs/promises';

/** Replaces the file at once, readable by its owner only. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600 });
  await rename(draft, file);
}
