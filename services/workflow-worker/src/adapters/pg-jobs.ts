/**
 * Jobs and their runs, as PostgreSQL holds them: the truth, of which the queue in Redis is a copy.
 *
 *   queued ──claim──▶ running ──▶ done | failed
 *      │                 └─ lease over: whoever comes next
 *      └──▶ skipped, when another run of the same job is under way
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Database } from '@mailstream/shared/db/database';
import type { ClaimedRun, DueJob, JobStore } from '../jobs/ports.ts';

const DUE = `
SELECT name, schedule, time_zone AS "timeZone", next_run_at::text AS tick, now() AS now
  FROM jobs WHERE is_enabled AND (next_run_at IS NULL OR next_run_at <= now()) ORDER BY name`;

/**
 * Whoever moves the job on makes the run; the unique tick is a second lock on the same door. Not when the schedule was changed since
 * it was read: the next tick would be one of the old schedule.
 */
const ADVANCE = `
WITH moved AS (
  UPDATE jobs SET next_run_at = :next
   WHERE name = :name AND is_enabled AND next_run_at IS NOT DISTINCT FROM CAST(:tick AS timestamptz)
     AND schedule = :schedule AND time_zone = :timeZone
  RETURNING name
)
INSERT INTO job_runs (id, job, cause, due_at)
SELECT :id, name, 'schedule', CAST(:tick AS timestamptz) FROM moved WHERE CAST(:tick AS timestamptz) IS NOT NULL
ON CONFLICT DO NOTHING`;

const CLAIM = `
UPDATE job_runs r
   SET state = 'running', claim_id = :claimId, claimed_until = now() + :leaseMs * interval '1 millisecond',
       attempts = r.attempts + 1, started_at = now()
 WHERE r.id = :id AND (r.state = 'queued' OR (r.state = 'running' AND r.claimed_until < now()))
RETURNING r.job, r.attempts`;

const OTHER = `
SELECT EXISTS (
  SELECT FROM job_runs o JOIN job_runs r ON r.job = o.job
   WHERE r.id = :id AND o.id <> r.id AND o.state = 'running' AND o.claimed_until > now()) AS "isRunning"`;

export function createPgJobs(database: Database): JobStore {
  return {
    ensure: (jobs) =>
      database.asDaemon(async (trx) => {
        for (const { name, schedule } of jobs)
          await trx('jobs').insert({ name, schedule }).onConflict('name').ignore();
      }),
    due: () =>
      database.asDaemon(async (trx) => {
        const { rows } = await trx.raw<{ rows: DueJob[] }>(DUE);
        return rows;
      }),
    advance: ({ name, tick, schedule, timeZone }, next) =>
      database.asDaemon(async (trx) => {
        await trx.raw(ADVANCE, { id: randomUUID(), name, tick, schedule, timeZone, next });
      }),
    unqueued: (relayAgainMs) =>
      database.asDaemon(async (trx) => {
        const { rows } = await trx.raw<{ rows: { id: string }[] }>(
          `SELECT id FROM job_runs
            WHERE (state = 'queued' OR (state = 'running' AND claimed_until < now()))
              AND (relayed_at IS NULL OR relayed_at < now() - :relayAgainMs * interval '1 millisecond')
            ORDER BY created_at LIMIT 100`,
          { relayAgainMs },
        );
        return rows.map(({ id }) => id);
      }),
    relayed: (ids) =>
      database.asDaemon(async (trx) => {
        await trx('job_runs')
          .whereIn('id', [...ids])
          .update({ relayed_at: trx.fn.now() });
      }),
    claim: (id, claimId, leaseMs) => database.asDaemon((trx) => claim(trx, id, claimId, leaseMs)),
    keep: ({ id, claimId }, leaseMs) =>
      database.asDaemon(async (trx) => {
        const kept = await trx('job_runs')
          .where({ id, claim_id: claimId, state: 'running' })
          .update({ claimed_until: trx.raw(`now() + ? * interval '1 millisecond'`, [leaseMs]) });
        return kept === 1;
      }),
    finish: ({ id, claimId }, outcome) =>
      database.asDaemon(async (trx) => {
        const isDone = outcome.kind === 'done';
        await trx('job_runs')
          .where({ id, claim_id: claimId, state: 'running' })
          .update({
            state: outcome.kind,
            finished_at: trx.fn.now(),
            claimed_until: null,
            result: isDone ? JSON.stringify(outcome.result) : null,
            error_code: isDone ? null : outcome.code,
            error_detail: isDone ? null : outcome.detail,
          });
      }),
  };
}

async function claim(
  trx: Knex.Transaction,
  id: string,
  claimId: string,
  leaseMs: number,
): Promise<ClaimedRun | null> {
  // Two runs of one job take turns here, so that one of them sees the other.
  await trx.raw('SELECT FROM jobs WHERE name = (SELECT job FROM job_runs WHERE id = :id) FOR UPDATE', { id });
  const other = await trx.raw<{ rows: { isRunning: boolean }[] }>(OTHER, { id });
  if (other.rows[0]?.isRunning === true) {
    await trx('job_runs')
      .where({ id, state: 'queued' })
      .update({ state: 'skipped', finished_at: trx.fn.now() });
    return null;
  }
  const { rows } = await trx.raw<{ rows: { job: string; attempts: number }[] }>(CLAIM, {
    id,
    claimId,
    leaseMs,
  });
  const [row] = rows;
  return row === undefined ? null : { id, claimId, ...row };
}
