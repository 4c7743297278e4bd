/** What the chart says of the Secret in a cluster: helm asks a double of its API server. Skipped by name without helm. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { searchPath } from '@mailstream/shared/local-stack/find-program';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHART, chartFile, toolPath } from './chart-files.ts';
import { NAMESPACE, startClusterDouble, type ClusterDouble } from './cluster-double.ts';

const run = promisify(execFile);
const helm = await toolPath('helm');
const developmentKey = /\$developmentKey := "([^"]+)"/.exec(chartFile('templates/_validate.tpl'))?.[1] ?? '';
const GOOD = {
  databaseUrl: 'postgres://mailstream:secret@db.example/mailstream',
  migrationDatabaseUrl: 'postgres://admin:secret@db.example/mailstream',
  redisUrl: 'rediss://redis.example:6379',
  masterKey: randomBytes(32).toString('base64'),
};

describe.skipIf(helm === null)('the Secret of an install', () => {
  let cluster: ClusterDouble;
  let folder: string;
  beforeAll(async () => {
    cluster = await startClusterDouble();
    folder = await mkdtemp(join(tmpdir(), 'mailstream-cluster-'));
    await writeFile(join(folder, 'kubeconfig'), cluster.kubeconfig, { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function install(): Promise<string> {
    const values = join(CHART, 'ci', 'minimal-values.yaml');
    const options = [
      '--dry-run=server',
      '--kube-version',
      '1.34.0',
      '--namespace',
      NAMESPACE,
      '--values',
      values,
    ];
    const env = { PATH: searchPath(), HOME: folder, KUBECONFIG: join(folder, 'kubeconfig') };
    const { stdout } = await run(helm as string, ['template', 'mailstream', CHART, ...options], { env });
    return stdout;
  }

  test('that is whole is taken, and none of it is in the manifests', async () => {
    cluster.setSecret(GOOD);
    const text = await install();
    expect(text).toContain('kind: Deployment');
    for (const value of Object.values(GOOD)) expect(text).not.toContain(value);
  });

  test('that is not there is told', async () => {
    cluster.setSecret(null);
    await expect(install()).rejects.toThrow('There is no Secret "mailstream" in namespace "mail"');
  });

  test.each(Object.keys(GOOD))('without %s is refused', async (key) => {
    cluster.setSecret({ ...GOOD, [key]: '' });
    await expect(install()).rejects.toThrow(`has no value for "${key}"`);
  });

  test.each([
    ['databaseUrl', 'postgres://mailstream:change-me@db.example/mailstream'],
    ['redisUrl', 'redis://:<password>@redis.example'],
    ['masterKey', developmentKey],
  ])('with a placeholder in %s is refused, and the value is not repeated', async (key, value) => {
    cluster.setSecret({ ...GOOD, [key]: value });
    const refusal = await install().then(
      () => 'taken',
      (error: Error) => error.message,
    );
    expect(refusal).toContain(`holds a placeholder or the development key in "${key}"`);
    expect(refusal).not.toContain(value);
  });
});
