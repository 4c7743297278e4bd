// The table of values in helm/README.md, from the comments in helm/values.yaml. The rest of the page is written by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import { Refusal, ROOT } from './prepare.mjs';

const BEGIN = '<!-- values: made by "npm run verify -- --write" from values.yaml; do not edit -->';
const END = '<!-- end of values -->';

export function helmReadme() {
  const page = readFileSync(join(ROOT, 'helm/README.md'), 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from)
    throw new Refusal('helm/README.md has lost the marks around its table of values.', 1);
  const values = parseDocument(readFileSync(join(ROOT, 'helm/values.yaml'), 'utf8'));
  const rows = rowsOf(values.contents, []).map(
    ([name, text, value]) => `| \`${name}\` | ${text} | ${value} |`,
  );
  const table = ['| Value | Meaning | Default |', '| --- | --- | --- |', ...rows].join('\n');
  return `${page.slice(0, from)}${BEGIN}\n<!-- prettier-ignore-start -->\n\n${table}\n\n<!-- prettier-ignore-end -->\n${page.slice(to)}`;
}

/**
 * A value with a comment `# -- …` is one row; a map without one is walked through.
 * @param {unknown} node @param {string[]} path @returns {string[][]} name, meaning, default
 */
function rowsOf(node, path) {
  if (!isMap(node))
    throw new Refusal(`Explain ${path.join('.')} in helm/values.yaml with a comment "# -- …".`, 1);
  return node.items.flatMap((pair, at) => {
    const key = /** @type {import('yaml').Scalar<string>} */ (pair.key);
    const name = [...path, key.value];
    // The comment before the first key of a map belongs to the map.
    const comment = key.commentBefore ?? (at === 0 ? node.commentBefore : undefined) ?? '';
    const text = /(?:^|\n) -- ([\s\S]*)$/.exec(comment)?.[1]?.replace(/\n /g, ' ');
    if (text === undefined) return rowsOf(pair.value, name);
    return [[name.join('.'), text.replaceAll('|', '\\|'), shown(pair.value)]];
  });
}

/** @param {unknown} node */
function shown(node) {
  const value = /** @type {import('yaml').Node} */ (node).toJSON();
  if (isScalar(node) && value === '') return '';
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}
