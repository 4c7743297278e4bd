/** The README files and guides, taken apart: blocks of code, code in the text, headings and links. Only as much Markdown as they use. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { ROOT } from './container-files.ts';

export interface Block {
  readonly language: string;
  /** Without the indentation of the list that it stands in. */
  readonly text: string;
  /** Of the comment right above it: `<!-- needs: a cluster -->` is ["needs", "a cluster"]; null without. */
  readonly mark: readonly [kind: string, what: string] | null;
  /** `README.md:31` */
  readonly at: string;
}

export interface Document {
  /** From the root. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** What stands in backquotes outside of blocks. */
  readonly spans: readonly string[];
  /** Anchors as GitHub makes them from headings. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links, without those to other sites. */
  readonly links: readonly string[];
}

/** All that are in git, or would be: not the changelog, whose lines tell of what was. */
export function readDocuments(): readonly Document[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && path !== 'CHANGELOG.md' && existsSync(join(ROOT, path)))
    .map((path) => readDocument(path));
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', language = ''] = /^( *)```(\w+)$/.exec(lines[at] ?? '') ?? [];
    if (language === '') {
      prose.push(lines[at] ?? '');
      continue;
    }
    const begin = at + 1;
    const end = lines.indexOf(`${indent}\`\`\``, begin);
    const above = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
    const [, kind, what] = /^ *<!-- (\w[\w ]*?): (.+) -->$/.exec(above) ?? [];
    blocks.push({
      language,
      text: lines
        .slice(begin, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
      mark: kind === undefined || what === undefined ? null : [kind, what],
      at: `${path}:${at + 1}`,
    });
    at = end;
  }
  const whole = prose.join('\n');
  return {
    path,
    text,
    blocks,
    spans: [...whole.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
    anchors: new Set(prose.flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []).map(anchorOf)),
    links: [...whole.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target)),
  };
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** Where a link of a document leads: path from the root, and anchor or ''. */
export function targetOf(
  document: Document,
  link: string,
): { readonly path: string; readonly anchor: string } {
  const [file = '', anchor = ''] = link.split('#');
  return { path: file === '' ? document.path : posix.join(dirname(document.path), file), anchor };
}

/** Commands of a shell block: lines joined, comments and variables of the shell left as they are. */
export function commandsOf({ text }: Block): readonly string[] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}
