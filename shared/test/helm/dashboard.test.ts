/** The dashboard asks for what the code measures, and the code measures what the table of metrics promises. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { METRIC_TABLE } from '@mailstream/shared/runtime/metric-table';
import { createMetrics } from '@mailstream/shared/runtime/metrics';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sourceFiles } from '../import-graph.ts';
import { chartFile, toolPath } from './chart-files.ts';

const promtool = await toolPath('promtool');
const target = z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() });
const position = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
const dashboardSchema = z.object({
  uid: z.string(),
  panels: z.array(
    z.object({
      id: z.number(),
      type: z.enum(['row', 'stat', 'timeseries']),
      title: z.string().min(1),
      description: z.string().min(1).optional(),
      gridPos: position,
      targets: z.array(target).min(1).optional(),
    }),
  ),
});
const { panels } = dashboardSchema.parse(JSON.parse(chartFile('dashboards/mailstream.json')));
const shown = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** Those of Prometheus and Kubernetes, and of histograms. */
const FOREIGN_LABELS = ['namespace', 'instance', 'le'];

interface Known {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}
const table: readonly Known[] = Object.values(METRIC_TABLE);

/** The metric behind a name in an expression: a histogram has three. */
function metricOf(name: string): Known | undefined {
  return table.find((metric) =>
    metric.type === 'histogram' ? name === `${metric.name}_bucket` : name === metric.name,
  );
}

describe('the dashboard', () => {
  test.each(shown)('$title asks for metrics and labels that there are: $expr', ({ expr }) => {
    const names = [...expr.matchAll(/\b(mailstream_\w+)\{([^}]*)\}/g)];
    expect(expr.match(/mailstream_\w+/g)).toHaveLength(names.length);
    const labels = new Set<string>(FOREIGN_LABELS);
    for (const [, name = '', selector = ''] of names) {
      const metric = metricOf(name);
      expect(metric, name).toBeDefined();
      for (const label of metric?.labels ?? []) labels.add(label);
      for (const [, label = ''] of selector.matchAll(/(\w+)\s*=~?"/g))
        expect([...(metric?.labels ?? []), 'namespace'], `${name}{${label}}`).toContain(label);
      const isRate = new RegExp(`(rate|increase)\\(${name}`).test(expr);
      expect(isRate, `${name} is a ${metric?.type}`).toBe(metric?.type !== 'gauge');
    }
    for (const [, list = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of list.split(/,\s*/)) expect([...labels]).toContain(label);
  });

  test('each line of a legend names labels that its expression keeps', () => {
    for (const { title, targets = [] } of panels)
      for (const { expr, legendFormat } of targets)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(expr, title).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
  });

  test('metrics of the process are those that the processes have', async () => {
    const own = (await createMetrics({ processMetrics: true }).scrape()).text;
    const foreign = shown.flatMap(({ expr }) => expr.match(/\b(process|nodejs)_\w+/g) ?? []);
    expect(foreign.length).toBeGreaterThan(1);
    for (const name of foreign) expect(own).toContain(`\n${name}`);
  });

  test.each([
    ['throughput', 'messages_total'],
    ['latency', 'visible_to_published_seconds'],
    ['lag', 'unseen_oldest_age_seconds'],
    ['data age', 'installation_data_age_max_seconds'],
    ['what audits miss', 'audit_missing'],
    ['failed logins', 'installation_mailboxes_failing'],
    ['dead letters', 'dead_letters_total'],
    ['lease churn', 'lease_transitions_total'],
    ['back-pressure', 'backpressure'],
  ])('shows %s', (_what, metric) => {
    expect(shown.some(({ expr }) => expr.includes(`mailstream_${metric}`))).toBe(true);
  });

  test('panels have ids of their own, say what they show, and lie beside each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [at, one] of panels.entries()) {
      if (one.type !== 'row') expect(one.description, one.title).toBeDefined();
      expect(one.gridPos.x + one.gridPos.w, one.title).toBeLessThanOrEqual(24);
      for (const other of panels.slice(at + 1)) {
        const [a, b] = [one.gridPos, other.gridPos];
        const isApart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(isApart, `${one.title}, ${other.title}`).toBe(true);
      }
    }
  });

  test.skipIf(promtool === null)('Prometheus can read every expression', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mailstream-dashboard-'));
    try {
      const rules = shown.map(({ expr }, at) => ({
        record: `panel:${at}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', '.*'),
      }));
      const file = join(folder, 'rules.yaml');
      await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
      const { stdout } = await promisify(execFile)(promtool as string, ['check', 'rules', file]);
      expect(stdout).toContain(`${rules.length} rules found`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test('every metric of the table is written somewhere', () => {
  const sources = sourceFiles().filter(
    ({ path }) => !/\.test\.tsx?$|\/test\/|\/bench\/|metric-table/.test(path),
  );
  const text = sources.map((file) => file.text).join('\n');
  const unwritten = Object.keys(METRIC_TABLE).filter(
    (name) => !new RegExp(`\\b(metrics|instruments)\\.${name}\\b`).test(text),
  );
  expect(unwritten).toEqual([]);
});
