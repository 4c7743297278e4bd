/** The chart as helm renders it. Skipped by name without helm, kubeconform or promtool (`.ci/kubernetes-tools`). */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ROOT } from '../container-files.ts';
import { variablesOf } from '../read-variables.ts';
import {
  CHART,
  chartFile,
  PROCESS_NAMES,
  PROCESSES,
  SCHEMAS,
  toolPath,
  type ProcessName,
} from './chart-files.ts';

const run = promisify(execFile);
const [helm, kubeconform, promtool] = await Promise.all(['helm', 'kubeconform', 'promtool'].map(toolPath));
const CASES = readdirSync(join(CHART, 'ci'));
const MINIMAL = join(CHART, 'ci', 'minimal-values.yaml');

const variable = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.unknown().optional(),
});
const manifestSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({}).optional(),
});
const podSchema = z.looseObject({
  terminationGracePeriodSeconds: z.number().optional(),
  automountServiceAccountToken: z.literal(false),
  securityContext: z.looseObject({
    runAsNonRoot: z.literal(true),
    seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.array(
    z.looseObject({
      env: z.array(variable),
      securityContext: z.object({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
      }),
    }),
  ),
});
type Manifest = z.infer<typeof manifestSchema>;

async function render(...options: string[]): Promise<string> {
  const { stdout } = await run(helm as string, [
    'template',
    'mailstream',
    CHART,
    '--kube-version',
    '1.34.0',
    ...options,
  ]);
  return stdout;
}

async function manifests(...options: string[]): Promise<readonly Manifest[]> {
  const documents = parseAllDocuments(await render(...options));
  return documents.map((document) => manifestSchema.parse(document.toJS()));
}

function podOf(manifest: Manifest): z.infer<typeof podSchema> {
  const spec = z.object({ template: z.object({ spec: podSchema }) }).parse(manifest.spec);
  return spec.template.spec;
}

/** What a pod's process would find, with something for what comes from the Secret. */
function environmentOf(pod: z.infer<typeof podSchema>): Readonly<Record<string, string>> {
  const secrets: Readonly<Record<string, string>> = {
    REDIS_URL: 'redis://redis:6379',
    SECRETS_MASTER_KEY: randomBytes(32).toString('base64'),
    STORAGE_URL: 's3://bucket/prefix',
    WORKER_ALERT_SECRET: 'sixteen-characters-or-more',
  };
  return Object.fromEntries(
    (pod.containers[0]?.env ?? []).map(({ name, value }) => [
      name,
      value ?? secrets[name] ?? 'postgres://a:b@c/d',
    ]),
  );
}

describe.skipIf(helm === null)('helm', () => {
  test.each(CASES)('lint finds nothing in %s', async (name) => {
    const { stdout } = await run(helm as string, [
      'lint',
      '--strict',
      CHART,
      '--values',
      join(CHART, 'ci', name),
    ]);
    expect(stdout).toContain('0 chart(s) failed');
  });

  test.each(CASES)(
    'every process of %s starts from what its pod is given, and runs with nothing it does not need',
    async (name) => {
      const found = await manifests('--values', join(CHART, 'ci', name));
      const pods = found.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
      expect(pods.length).toBeGreaterThan(0);
      for (const manifest of pods) {
        const pod = podOf(manifest);
        const process = manifest.metadata.name.replace('mailstream-', '');
        if (process === 'migrate' || process === 'first-tenant') continue;
        const environment = environmentOf(pod);
        const { problems } = await variablesOf(process, environment);
        expect(problems, process).toEqual([]);
        expect(environment['PORT']).toBe(String(PROCESSES[process as ProcessName].port));
      }
    },
  );

  test('certificates are in every pod, the migration’s too, and each process has the user of Redis that is its own', async () => {
    const mounts = z.array(z.object({ name: z.string(), mountPath: z.string() }));
    const found = await manifests('--values', join(CHART, 'ci', 'full-values.yaml'));
    const keys: Record<string, unknown> = {};
    for (const manifest of found.filter(({ kind }) => kind === 'Deployment' || kind === 'Job')) {
      const pod = podOf(manifest);
      const [container] = pod.containers;
      const paths = mounts.parse(container?.['volumeMounts']).map(({ mountPath }) => mountPath);
      expect(paths).toEqual(
        expect.arrayContaining(['/etc/mailstream/authorities', '/etc/mailstream/certificates']),
      );
      expect(pod['volumes']).toEqual(
        expect.arrayContaining([
          { name: 'authorities', configMap: { name: 'authorities' } },
          { name: 'certificates', secret: { secretName: 'certificates', defaultMode: 0o440 } },
        ]),
      );
      const redis = container?.env.find(({ name }) => name === 'REDIS_URL');
      if (redis !== undefined) keys[manifest.metadata.name] = redis.valueFrom;
    }
    const key = (name: string): unknown => ({ secretKeyRef: { name: 'mailstream', key: name } });
    expect(keys).toEqual({
      'mailstream-email-service': key('redisUrlEmail'),
      'mailstream-workflow-worker': key('redisUrlWorker'),
      'mailstream-server': key('redisUrl'),
    });
  });

  test('only the server waits before it stops: nobody sends requests to the others, and mailboxes change hands at once', async () => {
    const found = (await manifests('--values', MINIMAL)).filter(({ kind }) => kind === 'Deployment');
    const waiting = found.filter((manifest) => podOf(manifest).containers[0]?.['lifecycle'] !== undefined);
    expect(waiting.map(({ metadata }) => metadata.name)).toEqual(['mailstream-server']);
  });

  test('a process that is switched off leaves nothing behind', async () => {
    for (const name of PROCESS_NAMES) {
      const found = await manifests('--values', MINIMAL, '--set', `${PROCESSES[name].key}.enabled=false`);
      expect(found.filter(({ metadata }) => metadata.name === `mailstream-${name}`)).toEqual([]);
      expect(found.filter(({ kind }) => kind === 'Deployment').length).toBe(2);
    }
  });

  test('the policy opens no private network but those that were named', async () => {
    const policy = (await manifests('--values', MINIMAL)).find(({ kind }) => kind === 'NetworkPolicy');
    const { egress } = z
      .object({
        egress: z.array(
          z.object({
            to: z.array(
              z.looseObject({
                ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
              }),
            ),
            ports: z.array(z.object({ port: z.number() })),
          }),
        ),
      })
      .parse(policy?.spec);
    const open = egress.find(({ to }) => to.some(({ ipBlock }) => ipBlock?.cidr === '0.0.0.0/0'));
    expect(open?.to[0]?.ipBlock?.except).toEqual(
      expect.arrayContaining([
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '100.64.0.0/10',
        '169.254.0.0/16',
        '127.0.0.0/8',
      ]),
    );
    expect(open?.to[1]?.ipBlock?.except).toEqual(
      expect.arrayContaining(['fc00::/7', 'fe80::/10', '::1/128']),
    );
    expect(open?.ports.map(({ port }) => port)).toEqual([143, 993, 587, 465, 443]);
  });

  test('the migration runs before anything else', async () => {
    const job = (await manifests('--values', MINIMAL)).find(({ kind }) => kind === 'Job');
    expect(job?.metadata['annotations']).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
  });

  test('the first tenant is made by the program of the server, with the password in a file', async () => {
    const [name, email] = ['firstTenant.name=Example & Sons', 'firstTenant.email=ada@example.org'];
    const job = async (...more: string[]): Promise<z.infer<typeof podSchema>['containers'][number]> => {
      const sets = [name, email, ...more].flatMap((set) => ['--set', set]);
      const found = await manifests('--values', MINIMAL, ...sets);
      const manifest = found.find(({ metadata }) => metadata.name === 'mailstream-first-tenant');
      expect(manifest?.metadata['annotations']).toMatchObject({ 'helm.sh/hook': 'post-install' });
      return podOf(manifest as Manifest).containers[0] as z.infer<typeof podSchema>['containers'][number];
    };
    const words = [
      'node',
      'server/dist/create-tenant/main.js',
      '--name=Example & Sons',
      '--email=ada@example.org',
      '--operator',
    ];
    const withLink = await job('server.settings.PUBLIC_URL=https://mail.example');
    expect(withLink['command']).toEqual(words);
    expect(withLink.env.map((each) => each.name)).toEqual(['DATABASE_URL', 'PUBLIC_URL']);
    const options = pathToFileURL(join(ROOT, 'server/src/create-tenant/options.ts')).href;
    const { parseOptions } = (await import(options)) as { parseOptions(argv: string[]): { kind: string } };
    expect(parseOptions(words.slice(2)).kind).toBe('options');
    const { command } = z
      .object({ command: z.array(z.string()) })
      .parse(await job('firstTenant.passwordKey=firstPassword'));
    expect(command.slice(0, 2)).toEqual(['sh', '-c']);
    expect(command.slice(4)).toEqual(words);
    expect(command[2]).toBe('exec "$@" --password-stdin </run/first-tenant/password');
  });

  test('the dashboard is a ConfigMap that the sidecar of Grafana finds', async () => {
    const found = await manifests('--values', join(CHART, 'ci', 'full-values.yaml'));
    const map = found.find(({ metadata }) => metadata.name === 'mailstream-dashboard');
    expect(map?.metadata['labels']).toMatchObject({ grafana_dashboard: '1' });
    expect(
      JSON.parse(z.object({ 'mailstream.json': z.string() }).parse(map?.['data'])['mailstream.json']),
    ).toEqual(JSON.parse(chartFile('dashboards/mailstream.json')));
    expect((await manifests('--values', MINIMAL)).some(({ kind }) => kind === 'ConfigMap')).toBe(false);
  });

  test('the rule of the operator is the file for everybody else', async () => {
    const found = await manifests('--values', join(CHART, 'ci', 'full-values.yaml'));
    const rule = found.find(({ kind }) => kind === 'PrometheusRule');
    expect(rule?.spec).toEqual(parse(chartFile('alerts/mailstream.rules.yaml')));
  });

  const refused: readonly (readonly [what: string, set: string, says: string])[] = [
    ['no registry', 'image.registry=', 'image.registry is not set'],
    ['no Secret', 'secrets.existingSecret=', 'secrets.existingSecret is not set'],
    ['a placeholder for the Secret', 'secrets.existingSecret=change-me', 'which is a placeholder'],
    ['no storage', 'storage.url=', 'Where do messages go?'],
    [
      'a folder without a volume',
      'storage.url=file:///var/lib/mailstream/storage',
      'storage.existingClaim is not set',
    ],
    [
      'a folder elsewhere',
      'storage.url=file:///srv,storage.existingClaim=mail',
      'must be below file:///var/lib/mailstream/',
    ],
    ['the metadata address', 'egress.allowCidrs={169.254.169.254/32}', 'link-local addresses'],
    ['the whole internet', 'egress.allowCidrs={0.0.0.0/0}', '/0 is everything'],
    ['a policy that closes the database', 'networkPolicy.database.to=null', 'networkPolicy.database.to'],
    [
      'scrapes that the policy closes',
      'monitoring.serviceMonitor.enabled=true',
      'set networkPolicy.metricsFrom',
    ],
    [
      'an autoscaler upside down',
      'server.autoscaling.enabled=true,server.autoscaling.maxReplicas=1',
      'maxReplicas is below minReplicas',
    ],
    ['a first tenant without a user', 'firstTenant.name=Example', 'firstTenant.email is no address'],
    ['a setting that nobody reads', 'settings.IMAP_POLL_INTERVAL=5', 'IMAP_POLL_INTERVAL'],
    ['a secret among the settings', 'settings.SECRETS_MASTER_KEY=abc', 'SECRETS_MASTER_KEY'],
    ['an unknown value', 'emailservice.replicas=3', 'emailservice'],
  ];
  test.each(refused)('refuses %s', async (_what, set, says) => {
    await expect(render('--values', MINIMAL, '--set', set)).rejects.toThrow(says);
  });
});

describe.skipIf(helm === null || kubeconform === null || !existsSync(SCHEMAS))('kubeconform', () => {
  test.each(CASES)('%s gives what Kubernetes 1.30 and 1.37 know, and nothing else', async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'mailstream-chart-'));
    try {
      const file = join(folder, 'manifests.yaml');
      await writeFile(file, await render('--values', join(CHART, 'ci', name)));
      for (const version of ['1.30.0', '1.37.0']) {
        const schema = `${SCHEMAS}/v${version}-local-strict/{{.ResourceKind}}{{.KindSuffix}}.json`;
        // Schemas of the Prometheus operator are not among them.
        const options = [
          '-strict',
          '-summary',
          '-skip',
          'ServiceMonitor,PrometheusRule',
          '-schema-location',
          schema,
        ];
        const { stdout } = await run(kubeconform as string, [...options, file]);
        expect(stdout).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0/);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(promtool === null)('promtool', () => {
  test.each([
    ['check', 'mailstream.rules.yaml'],
    ['test', 'mailstream.rules.test.yaml'],
  ])('%s rules %s', async (verb, file) => {
    const { stdout } = await run(promtool as string, [verb, 'rules', join(CHART, 'alerts', file)]);
    expect(stdout).toContain('SUCCESS');
  });
});
