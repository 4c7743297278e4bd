/** Changes a frozen build by exact text. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Patch } from './mutants.ts';

/** @throws when a text stands there not exactly once: the product has changed, and the mutant must follow. */
export async function mutate(build: string, patches: readonly Patch[]): Promise<void> {
  for (const { file, find, replace } of patches) {
    const path = join(build, file);
    const text = await readFile(path, 'utf8');
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`${file} has ${times} times: ${find}`);
    await writeFile(
      path,
      text.replace(find, () => replace),
    );
  }
}
