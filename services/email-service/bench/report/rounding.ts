/** Figures as they are written: digits that the next run would change anyway are left out. */
import type { Report } from './figures.ts';
import { rounded } from './statistics.ts';

export function roundedReport(report: Report): Report {
  const { machine, commit, ...figures } = report;
  const groups = Object.entries(figures).map(([name, group]) => [
    name,
    Object.fromEntries(Object.entries(group).map(([key, value]) => [key, rounded(value)])),
  ]);
  return { ...(Object.fromEntries(groups) as typeof figures), machine, commit };
}
