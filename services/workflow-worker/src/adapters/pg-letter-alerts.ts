/** How many dead letters people have not been told of; one worker at a time tells them. Counts and codes only. */
import type { Database } from '@mailstream/shared/db/database';
import type { LetterAlerts } from '../ports.ts';

const NAME = 'dead_letters';

/** A row that was written before `until` may still be on its way to its COMMIT: hence the lag. */
const CLAIM = `
UPDATE alert_marks SET claimed_until = now() + :claimMs * interval '1 millisecond'
 WHERE name = :name AND claimed_until <= now() AND told_until <= now() - :everyMs * interval '1 millisecond'
RETURNING told_until::text AS since, (now() - :lagMs * interval '1 millisecond')::text AS until`;

const COUNT = `
SELECT code, count(*) AS count FROM (
  SELECT code FROM dead_letters
   WHERE source = 'worker' AND state <> 'discarded'
     AND last_at > CAST(:since AS timestamptz) AND last_at <= CAST(:until AS timestamptz)
  UNION ALL
  SELECT split_part(coalesce(m.reason, 'UNKNOWN'), ':', 1) FROM inbound_messages m
   WHERE m.status = 'dead_letter' AND m.updated_at > CAST(:since AS timestamptz) AND m.updated_at <= CAST(:until AS timestamptz)
     AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.tenant = m.tenant AND d.event_id = m.event_id)
  UNION ALL
  SELECT code FROM stray_dead_letters WHERE at > CAST(:since AS timestamptz) AND at <= CAST(:until AS timestamptz)
) AS letters GROUP BY code ORDER BY code`;

export function createPgLetterAlerts(database: Database): LetterAlerts {
  return {
    claim: ({ everyMs, lagMs, claimMs }) =>
      database.asDaemon(async (trx) => {
        const claimed = await trx.raw<{ rows: { since: string; until: string }[] }>(CLAIM, {
          name: NAME,
          everyMs,
          lagMs,
          claimMs,
        });
        const [window] = claimed.rows;
        if (window === undefined) return null;
        const counted = await trx.raw<{ rows: { code: string; count: number }[] }>(COUNT, window);
        return { ...window, codes: counted.rows };
      }),
    told: (until) =>
      database.asDaemon(async (trx) => {
        await trx.raw(
          `UPDATE alert_marks SET claimed_until = now(), told_until = greatest(told_until, CAST(:until AS timestamptz)) WHERE name = :name`,
          { name: NAME, until },
        );
      }),
  };
}
