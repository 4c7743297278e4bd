/** What a run of rolling restarts came to, and whether that is what it must be. */
import { COLUMNS } from './oracle.ts';
import { spread } from './report.ts';
import type { RollingRestarts } from './rolling-restart.ts';

/** No message may take longer from the mail server's 250 to the stream while daemons are replaced. */
export const MOST_DELAY_MS = 2_000;

/** Empty when nothing was lost, doubled or delayed. */
export function rollingFindings(
  { verdict, hasConverged, rollingMs }: RollingRestarts,
  mostDelayMs = MOST_DELAY_MS,
): readonly string[] {
  const late = rollingMs.filter((ms) => ms > mostDelayMs);
  return [
    ...COLUMNS.flatMap((column) => verdict.findings[column].map((finding) => `${column}: ${finding}`)),
    ...verdict.gone.map((key) => `accepted, in no mailbox: ${key}`),
    ...verdict.deadLettered.map((key) => `given up: ${key}`),
    ...(hasConverged ? [] : ['not everything was settled in the end']),
    ...(late.length === 0
      ? []
      : [`${late.length} messages were delayed by more than ${mostDelayMs} ms: ${late.join(', ')}`]),
  ];
}

export function rollingLines(result: RollingRestarts): readonly string[] {
  const { replicas, restarts, messages, calmMs, rollingMs } = result;
  const findings = rollingFindings(result);
  return [
    `rolling restart of ${replicas} daemons, ${restarts.length / replicas} times: start one, wait until it is ready, SIGTERM to an old one`,
    `  new one ready           ${spread(restarts.map(({ readyMs }) => readyMs))}`,
    `  old one ended           ${spread(restarts.map(({ endedMs }) => endedMs))}`,
    `  250 to stream, before   ${spread(calmMs)}, p99 ${quantile(calmMs, 0.99)} ms`,
    `  250 to stream, during   ${spread(rollingMs)}, p99 ${quantile(rollingMs, 0.99)} ms`,
    `  ${messages} messages: ${findings.length === 0 ? 'none lost, none doubled, none delayed by more than two seconds' : 'NOT clean'}`,
    ...findings.map((finding) => `    ${finding}`),
  ];
}

function quantile(sortedMs: readonly number[], share: number): number {
  return sortedMs[Math.min(sortedMs.length - 1, Math.floor(share * sortedMs.length))] ?? 0;
}
