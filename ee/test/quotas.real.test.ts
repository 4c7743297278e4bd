/** The command with which an operator sets limits, against a real database; and as a process. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '@mailstream/shared/db/database';
import { useDatabase } from '@mailstream/shared/testing/fixtures';
import { parseQuotasRequest, runQuotas } from '../src/quotas/quotas-command.ts';

const db = await useDatabase();
const owner = new pg.Client({ connectionString: db.ownerUrl });
const database = createDatabase({ url: db.url, applicationName: 'quotas', poolMax: 1 });
const tenant = randomUUID();

beforeAll(async () => {
  await owner.connect();
  await owner.query(`INSERT INTO tenants (tenant, name) VALUES ($1, 'one')`, [tenant]);
});
afterAll(async () => {
  await database.close();
  await owner.end();
});

async function run(...args: string[]): Promise<readonly string[]> {
  const request = parseQuotasRequest(args);
  return request.kind === 'problem' ? [request.text] : await runQuotas(database, request);
}

describe('the command', () => {
  it('sets what is named, leaves the rest, shows what is used, and writes the change down', async () => {
    expect(await run(tenant)).toEqual([
      ...['mailboxes: 0 of no limit', 'folders: 0 of no limit', 'messagesPerDay: 0 of no limit'],
      ...['storageBytes: 0 of no limit', 'apiCallsPerDay: 0 of no limit'],
    ]);
    expect(await run(tenant, '--mailboxes=20', '--messages-per-day=1000')).toContain('mailboxes: 0 of 20');
    const lines = await run('--mailboxes=none', '--storage-bytes=0', tenant.toUpperCase());
    expect(lines).toContain('mailboxes: 0 of no limit');
    expect(lines).toContain('messagesPerDay: 0 of 1000');
    expect(lines).toContain('storageBytes: 0 of 0');
    const { rows } = await owner.query<{ after: Record<string, unknown> }>(
      `SELECT after FROM audit_log WHERE tenant = $1 AND action = 'quota.changed' ORDER BY at`,
      [tenant],
    );
    expect(rows.map(({ after }) => after['mailboxes'])).toEqual([20, null]);
  });

  it('says what is wrong with what it is asked', async () => {
    for (const [args, text] of [
      [[], /^one tenant is wanted/],
      [['x'], /^"x" is not the id of a tenant/],
      [[tenant, '--mailboxes=-1'], /^--mailboxes must be a whole number/],
      [[tenant, '--boxes=1'], /^--boxes is no limit/],
    ] as const)
      expect((await run(...args))[0]).toMatch(text);
    await expect(run(randomUUID(), '--folders=1')).rejects.toThrow(/^There is no tenant/);
  });

  it('ends with what a shell can tell apart', async () => {
    const main = fileURLToPath(new URL('../dist/quotas/main.js', import.meta.url));
    const start = (args: readonly string[]) =>
      promisify(execFile)(process.execPath, [main, ...args], { env: { DATABASE_URL: db.url } });
    expect((await start([tenant, '--folders=7'])).stdout).toContain('folders: 0 of 7');
    await expect(start([])).rejects.toMatchObject({ code: 78 });
    await expect(start([randomUUID(), '--folders=1'])).rejects.toMatchObject({ code: 1 });
  });
});
