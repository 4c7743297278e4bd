/** How much script a visitor waits for, from what the build made. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** As vite writes it (`build.manifest`). */
interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
  readonly dynamicImports?: readonly string[];
}

const LIMIT_BYTES = 300 * 1024;
const WEB = new URL('../dist/web/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', WEB), 'utf8')) as Readonly<
  Record<string, Chunk>
>;
const [main] = Object.entries(manifest).find(([, { isEntry }]) => isEntry === true) ?? [''];
const pages = Object.keys(manifest).filter((name) => /^(?:[a-z]+\/)?[a-z-]+\.tsx$/.test(name));

/** With everything that it needs to run. */
function needed(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const other of manifest[name]?.imports ?? []) needed(other, found);
  return found;
}

function compressed(names: ReadonlySet<string>): number {
  const files = [...names].map((name) => manifest[name]?.file ?? '').filter((file) => file.endsWith('.js'));
  return files.reduce((sum, file) => sum + readFileSync(new URL(`${file}.gz`, WEB)).length, 0);
}

test('every page is a file of its own', () => {
  expect(pages.length).toBeGreaterThan(10);
  for (const page of pages) expect(needed(main)).not.toContain(page);
});

test.each(pages)('a first visit to %s loads less than 300 KB of script, in any language', (page) => {
  for (const language of ['texts/en.ts', 'texts/es.ts']) {
    const names = needed(page, needed(language, needed(main)));
    expect(compressed(names)).toBeGreaterThan(50_000);
    expect(compressed(names)).toBeLessThan(LIMIT_BYTES);
  }
});
