/** What a run has to say about leases: see ownership-trigger.ts, and the logs of the daemons. */
import { readFile } from 'node:fs/promises';
import type { World } from './world.ts';

export async function ownershipFindings(
  world: World,
  kind: 'stale write' | 'two owners',
): Promise<readonly string[]> {
  const rows = await world.sql<{ detail: string }>('SELECT detail FROM chaos.findings WHERE kind = $1', [
    kind,
  ]);
  return rows.map(({ detail }) => detail);
}

/** Writes that the row refused: each is a process that still worked when its lease was another's. */
export async function refusedWrites(world: World): Promise<readonly string[]> {
  const findings: string[] = [];
  for (const daemon of world.daemons)
    for (let incarnation = 1; incarnation <= daemon.incarnation; incarnation += 1) {
      const log = await readFile(daemon.logFile(incarnation), 'utf8').catch(() => '');
      for (const line of log.split('\n'))
        if (line.includes('"code":"LEASE_LOST"') || line.includes('"event":"refused"'))
          findings.push(`${daemon.name}.${incarnation}: ${line.slice(0, 300)}`);
    }
  return findings;
}
