/** Changes a frozen build by exact text. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Patch } from './mutants.ts';

export async function mutate(build: string, patches: readonly Patch[]): Promise<void> {
  for (const [path, text] of await mutated(build, patches)) await writeFile(path, text);
}

/**
 * What the files become, by their path.
 * @throws when a text stands there not exactly once: the product has changed, and the mutant must follow.
 */
export async function mutated(
  build: string,
  patches: readonly Patch[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const path = join(build, file);
    const text = texts.get(path) ?? (await readFile(path, 'utf8'));
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`${file} has ${times} times: ${find}`);
    texts.set(
      path,
      text.replace(find, () => replace),
    );
  }
  return texts;
}
