/** Reads the imports of every source file in the repository, as edges between paths. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Edge } from './architecture-rules.ts';

export const ROOT = dirname(dirname(import.meta.dirname));
const FOLDERS = ['shared/src', 'shared/bin', 'migrations/src', 'services', 'server', 'ee'];
const SKIPPED = new Set(['node_modules', 'dist', 'generated', 'test-artifacts']);

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function sourceFiles(): readonly SourceFile[] {
  return FOLDERS.filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => filesBelow(join(ROOT, folder)))
    .map((file) => ({ path: relative(ROOT, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return /\.(ts|tsx|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

/** `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`. */
const STATIC = /^\s*(?:import|export)\s+(type\s+)?((?:[^'";]*?\s+from\s+)?)['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

export function edgesOf({ path, text }: SourceFile): readonly Edge[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const edges: Edge[] = [];
  for (const [, typeKeyword, clause = '', specifier = ''] of code.matchAll(STATIC)) {
    edges.push({
      from: path,
      to: target(path, specifier),
      isTypeOnly: typeKeyword !== undefined || hasOnlyInlineTypes(clause),
    });
  }
  for (const [, specifier = ''] of code.matchAll(DYNAMIC)) {
    edges.push({ from: path, to: target(path, specifier), isTypeOnly: false });
  }
  return edges;
}

/** `{ type A, type B }` */
function hasOnlyInlineTypes(clause: string): boolean {
  const names = /^\{([^}]*)\}\s+from\s+$/.exec(clause.trimStart())?.[1];
  if (names === undefined) return false;
  const each = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return each.length > 0 && each.every((name) => name.startsWith('type '));
}

const PACKAGES: Readonly<Record<string, string>> = {
  '@mailstream/shared': 'shared/src',
  '@mailstream/migrations': 'migrations/src',
  '@mailstream/email-service': 'services/email-service/src',
  '@mailstream/workflow-worker': 'services/workflow-worker/src',
  '@mailstream/server': 'server/src',
  '@mailstream/ee': 'ee/src',
};

function target(from: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    return join(dirname(from), specifier)
      .replaceAll('\\', '/')
      .replace(/(^|\/)dist\//, '$1src/');
  }
  const [, name = '', rest = ''] = /^(@mailstream\/[^/]+)(?:\/(.*))?$/.exec(specifier) ?? [];
  const folder = PACKAGES[name];
  return folder === undefined ? specifier : `${folder}/${rest}.ts`;
}
