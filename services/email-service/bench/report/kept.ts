/** What the repository keeps of the last full bench: the figures, their chart, and their table in the README. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chart } from './chart.ts';
import type { Report } from './figures.ts';
import { goalRows } from './goals.ts';
import { goalMarkdown } from './table.ts';

const SERVICE = 'services/email-service';
const FIGURES = `${SERVICE}/bench/figures.json`;
const QUICK_FIGURES = `${SERVICE}/bench/figures-quick.json`;
const CHART = `${SERVICE}/docs/bench.svg`;
const README = `${SERVICE}/README.md`;
const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** @returns null when none are kept */
export async function keptFigures(isQuick: boolean): Promise<Report | null> {
  const path = join(root(), isQuick ? QUICK_FIGURES : FIGURES);
  return existsSync(path) ? readReport(path) : null;
}

export async function readReport(path: string): Promise<Report> {
  return JSON.parse(await readFile(path, 'utf8')) as Report;
}

/** @returns the files that were written, from the root of the repository */
export async function keep(report: Report, isQuick: boolean): Promise<readonly string[]> {
  await writeReport(join(root(), isQuick ? QUICK_FIGURES : FIGURES), report);
  if (isQuick) return [QUICK_FIGURES];
  await mkdir(dirname(join(root(), CHART)), { recursive: true });
  await writeFile(join(root(), CHART), chart(report));
  const readme = join(root(), README);
  await writeFile(readme, withTable(await readFile(readme, 'utf8'), report));
  return [FIGURES, CHART, README];
}

export async function writeReport(path: string, report: Report): Promise<void> {
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
}

/** The text between the marks is made anew. @throws when the marks are not there */
export function withTable(readme: string, report: Report): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the README has no ${BEGIN} … ${END}`);
  const { cpu, cores, memoryGib, system, node, postgresql, redis, dovecot } = report.machine;
  const text = [
    BEGIN,
    '',
    ...goalMarkdown(goalRows(report)),
    '',
    `Commit ${report.commit.slice(0, 12)}, on ${cores} cores of ${cpu} with ${memoryGib} GiB, ${system}, Node ${node.replace('v', '')},`,
    `PostgreSQL ${postgresql}, Redis ${redis}, Dovecot ${dovecot}, all on the one machine.`,
    '',
    '![Mailstream beside the floor](docs/bench.svg)',
    '',
  ].join('\n');
  return `${readme.slice(0, begin)}${text}\n${readme.slice(end)}`;
}

function root(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nx.json'))) {
    if (folder === dirname(folder)) throw new Error('not inside the repository');
    folder = dirname(folder);
  }
  return folder;
}
