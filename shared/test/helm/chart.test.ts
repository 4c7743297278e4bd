/** What the chart says of the code, held against the code. Needs no helm. */
import { METRIC_TABLE } from '@mailstream/shared/runtime/metric-table';
import { ERROR_CATALOGUE } from '@mailstream/shared/errors/catalogue';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readText } from '../container-files.ts';
import { variablesOf, variablesOfEe } from '../read-variables.ts';
import { chartFile, PROCESS_NAMES, PROCESSES, templates, type ProcessName } from './chart-files.ts';

const all = templates();
const processValues = z.object({ terminationGracePeriodSeconds: z.number() });
const values = z.record(z.string(), z.unknown()).parse(parse(chartFile('values.yaml')));

async function asked(name: ProcessName): Promise<ReadonlySet<string>> {
  return (await variablesOf(name, {})).asked;
}

async function askedByAll(): Promise<ReadonlySet<string>> {
  const each = [...(await Promise.all(PROCESS_NAMES.map(asked))), await variablesOfEe()];
  return new Set(each.flatMap((names) => [...names]));
}

/** Written by templates, whatever the values. */
const written = new Set(
  [...all.matchAll(/"name" "([A-Z][A-Z0-9_]+)"|- \{ name: ([A-Z][A-Z0-9_]+),/g)].map(
    ([, a, b]) => a ?? b ?? '',
  ),
);

describe('variables', () => {
  test('a process reads each that the templates write; MIGRATION_DATABASE_URL is the migration’s', async () => {
    const read = await askedByAll();
    expect([...written].filter((name) => !read.has(name))).toEqual(['MIGRATION_DATABASE_URL']);
    expect(readText('migrations/src/main.ts')).toContain("process.env['MIGRATION_DATABASE_URL']");
    expect(written.size).toBeGreaterThan(8);
  });

  test.each(PROCESS_NAMES)('%s is given all that it needs', async (name) => {
    const { problems } = await variablesOf(name, {});
    const needed = problems.map((problem) => problem.split(' ')[0] ?? '');
    expect(needed.length).toBeGreaterThan(0);
    expect(needed.filter((variable) => !written.has(variable))).toEqual([]);
  });

  test('`settings` takes every variable that the chart does not set itself, and no other', async () => {
    const schema = z
      .object({
        $defs: z.object({ settings: z.object({ propertyNames: z.object({ enum: z.array(z.string()) }) }) }),
      })
      .parse(JSON.parse(chartFile('values.schema.json')));
    const read = await askedByAll();
    // Listening anywhere but on all addresses, a probe would not find the pod.
    const own = new Set([...written, 'HOST']);
    const expected = [...read].filter((name) => !own.has(name)).sort();
    expect([...schema.$defs.settings.propertyNames.enum].sort()).toEqual(expected);
  });
});

describe('processes', () => {
  test.each(PROCESS_NAMES)('%s listens where the chart looks for it', (name) => {
    const { key, folder, port } = PROCESSES[name];
    expect(chartFile('templates/_helpers.tpl')).toContain(`${name}: { key: ${key}, port: ${port} }`);
    expect(readText(`${folder}/src/config.ts`)).toMatch(new RegExp(`'PORT', \\{ default: ${port},`));
  });

  test('probes ask for paths that every process has', () => {
    const paths = [...all.matchAll(/httpGet: \{ path: (\S+), port: http \}/g)].map(([, path]) => path ?? '');
    expect(paths).toEqual(['/health/live', '/health/live', '/health/ready']);
    for (const path of ['/health/live', '/health/ready', '/metrics'])
      for (const file of ['shared/src/runtime/ops-server.ts', 'server/src/routes/health.ts'])
        expect(readText(file), file).toContain(`'${path}'`);
  });

  test.each(PROCESS_NAMES)('%s has longer to stop than all its parts together may take', (name) => {
    const { key, folder } = PROCESSES[name];
    const lists = [...readText(`${folder}/src/compose.ts`).matchAll(/services: \[([^\]]*)\]/g)];
    // A spread stands for a few: four is more than any has.
    const parts = lists
      .flatMap(([, list = '']) => list.split(/,\s*(?=\S)/))
      .reduce((count, part) => count + (part.trim().startsWith('...') ? 4 : 1), 0);
    const eachMs = Number(
      /STOP_DEADLINE_MS = ([\d_]+);/
        .exec(readText('shared/src/runtime/lifecycle.ts'))?.[1]
        ?.replaceAll('_', ''),
    );
    const { terminationGracePeriodSeconds } = processValues.parse(values[key]);
    expect(parts).toBeGreaterThan(1);
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(parts * eachMs);
  });

  test('the development key that the chart refuses is the one of the compose file', () => {
    const key = /\$developmentKey := "([^"]+)"/.exec(all)?.[1] ?? 'none';
    expect(readText('docker-compose.dev.yml')).toContain(`SECRETS_MASTER_KEY: ${key}`);
  });

  test('the chart has the version of the packages', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string };
    expect(
      z.object({ version: z.string(), appVersion: z.string() }).parse(parse(chartFile('Chart.yaml'))),
    ).toMatchObject({
      version,
      appVersion: version,
    });
  });
});

describe('metrics', () => {
  const known = new Map<string, { readonly type: string; readonly labels: readonly string[] }>(
    Object.values(METRIC_TABLE).map((metric) => [metric.name, metric]),
  );
  const rulesSchema = z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            labels: z.object({ severity: z.enum(['critical', 'warning']) }),
            annotations: z.strictObject({ summary: z.string(), action: z.string() }),
          }),
        ),
      }),
    ),
  });
  const rules = rulesSchema
    .parse(parse(chartFile('alerts/mailstream.rules.yaml')))
    .groups.flatMap((group) => group.rules);

  test.each(rules)('$alert asks for metrics and labels that there are', ({ expr }) => {
    const metrics = [...expr.matchAll(/(mailstream_\w+)(?:\{([^}]*)\})?/g)];
    expect(metrics.length).toBeGreaterThan(0);
    for (const [, name = '', selector = ''] of metrics) {
      const metric = known.get(name);
      expect(metric, name).toBeDefined();
      for (const [, label] of selector.matchAll(/(\w+)\s*=~?/g))
        expect(metric?.labels, name).toContain(label);
    }
    for (const [, list = ''] of expr.matchAll(/code=~"([^"]*)"/g))
      for (const code of list.split('|')) expect(Object.keys(ERROR_CATALOGUE)).toContain(code);
  });

  test('texts name metrics and settings that there are', () => {
    const text = chartFile('alerts/mailstream.rules.yaml');
    expect(readText('.env.example')).toContain('IMAP_DATA_AGE_LIMIT_MS');
    for (const [name] of text.matchAll(/mailstream_[a-z_]+(?![\w.])/g))
      expect(known.has(name), name).toBe(true);
  });

  test('every alert is made to fire in the file for promtool', () => {
    const tests = chartFile('alerts/mailstream.rules.test.yaml');
    for (const { alert } of rules) expect(tests).toContain(`name: ${alert} fires`);
  });

  test('the autoscaler of the daemon asks for a metric that there is', () => {
    expect(known.get(/metric: \{ name: (\w+) \}/.exec(all)?.[1] ?? '')?.type).toBe('gauge');
  });
});
