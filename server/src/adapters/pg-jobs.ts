/** Jobs as operators see and change them. The workers run them; what is changed here reaches them within their next tick. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import { JOBS } from '@mailstream/shared/domain/jobs';
import { isSchedule, nextTick } from '@mailstream/shared/runtime/cron-schedule';
import type { Job, JobRun } from '../contracts/jobs.ts';
import type { JobStore } from '../ports.ts';
import { iso, isoOrNull } from './page-cursor.ts';
import { auditLine } from './pg-audit-line.ts';

interface JobRow {
  readonly name: string;
  readonly schedule: string;
  readonly time_zone: string;
  readonly is_enabled: boolean;
  readonly next_run_at: Date | null;
}

interface RunRow {
  readonly id: string;
  readonly job: string;
  readonly cause: JobRun['cause'];
  readonly state: JobRun['state'];
  readonly due_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly attempts: number;
  readonly result: Record<string, number> | null;
  readonly error_code: string | null;
  readonly error_detail: string | null;
}

const RUNS_SHOWN = 50;

export function createJobStore(database: Database): JobStore {
  return {
    list: (tenant) =>
      database.withTenant(tenant, async (trx) => {
        const jobs: JobRow[] = await trx('jobs').orderBy('name');
        const last = await newest(trx, false);
        const failed = await newest(trx, true);
        return jobs.map((job) => toJob(job, last.get(job.name) ?? null, failed.get(job.name) ?? null));
      }),
    runs: (tenant, name) =>
      database.withTenant(tenant, async (trx) => {
        if ((await trx('jobs').where({ name }).first('name')) === undefined) return null;
        const rows: RunRow[] = await trx('job_runs')
          .where({ job: name })
          .orderBy('created_at', 'desc')
          .limit(RUNS_SHOWN);
        return rows.map(toRun);
      }),
    change: (actor, name, patch, now) =>
      database.withTenant(actor.tenant, async (trx) => {
        const before: JobRow | undefined = await trx('jobs').where({ name }).forUpdate().first();
        if (before === undefined) return 'notFound';
        const schedule = patch.schedule ?? before.schedule;
        const timeZone = patch.timeZone ?? before.time_zone;
        const isEnabled = patch.isEnabled ?? before.is_enabled;
        if (!isSchedule(schedule, timeZone, now)) return 'badSchedule';
        const after = { schedule, time_zone: timeZone, is_enabled: isEnabled };
        await trx('jobs')
          .where({ name })
          .update({
            ...after,
            next_run_at: isEnabled ? nextTick(schedule, timeZone, now) : null,
            updated_at: trx.fn.now(),
          });
        await auditLine(trx, actor, 'job.changed', { type: 'job', id: name }, { before, after });
        return 'changed';
      }),
    run: (actor, name) =>
      database.withTenant(actor.tenant, async (trx) => {
        if ((await trx('jobs').where({ name }).first('name')) === undefined) return null;
        const id = randomUUID();
        await trx('job_runs').insert({ id, job: name, cause: 'person', due_at: trx.fn.now() });
        await auditLine(
          trx,
          actor,
          'job.run',
          { type: 'job', id: name },
          { before: null, after: { runId: id } },
        );
        const row: RunRow | undefined = await trx('job_runs').where({ id }).first();
        return row === undefined ? null : toRun(row);
      }),
  };
}

async function newest(trx: Knex.Transaction, failedOnly: boolean): Promise<ReadonlyMap<string, RunRow>> {
  const { rows } = await trx.raw<{ rows: RunRow[] }>(
    `SELECT r.* FROM jobs j CROSS JOIN LATERAL (
       SELECT * FROM job_runs WHERE job = j.name ${failedOnly ? `AND state = 'failed'` : ''} ORDER BY created_at DESC LIMIT 1) r`,
  );
  return new Map(rows.map((row) => [row.job, row]));
}

function toJob(job: JobRow, last: RunRow | null, failed: RunRow | null): Job {
  return {
    name: job.name,
    text: JOBS.find(({ name }) => name === job.name)?.text ?? '',
    schedule: job.schedule,
    timeZone: job.time_zone,
    isEnabled: job.is_enabled,
    nextRunAt: isoOrNull(job.next_run_at),
    lastRun: last === null ? null : toRun(last),
    lastFailure: failed === null ? null : toRun(failed),
  };
}

function toRun(row: RunRow): JobRun {
  const { started_at: started, finished_at: finished } = row;
  return {
    id: row.id,
    job: row.job,
    cause: row.cause,
    state: row.state,
    dueAt: iso(row.due_at),
    startedAt: isoOrNull(started),
    finishedAt: isoOrNull(finished),
    durationMs: started === null || finished === null ? null : finished.getTime() - started.getTime(),
    attempts: row.attempts,
    result: row.result,
    errorCode: row.error_code,
    errorDetail: row.error_detail,
  };
}
