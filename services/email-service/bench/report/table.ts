/** Tables for the terminal and, of the same rows, for Markdown. */
import { number, type GoalRow } from './goals.ts';
import { spread, type Series } from './statistics.ts';

/** Columns as wide as what is in them; numbers on the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column > 0 && /^[−\d.,]+$/.test(cell)
          ? cell.padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}

export function seriesTable(series: readonly Series[]): readonly string[] {
  const rows = series.map(({ name, unit, values }) => {
    const { runs, min, median, max } = spread(values);
    return [name, unit, ...[runs, min, median, max].map(number)];
  });
  return textTable(['measured', 'unit', 'runs', 'min', 'median', 'max'], rows);
}

export function goalTable(rows: readonly GoalRow[]): readonly string[] {
  return textTable(
    ['figure', 'floor', 'goal', 'measured', ''],
    rows.map(({ what, floor, goal, measured, isMet }) => [
      what,
      floor,
      goal,
      measured,
      isMet ? 'met' : 'MISSED',
    ]),
  );
}

export function goalMarkdown(rows: readonly GoalRow[]): readonly string[] {
  const head = ['figure', 'floor', 'goal', 'measured', 'met'];
  const cells = rows.map(({ what, floor, goal, measured, isMet }) => [
    what,
    floor,
    goal,
    measured,
    isMet ? 'yes' : 'no',
  ]);
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)];
}
