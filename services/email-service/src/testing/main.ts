/**
 * The daemon as tests run it: the real composition, and a process that sends itself a signal at the n-th passage of a step of a
 * batch: SIGKILL when `TEST_CRASH_AT=<step>` or `<step>:<n>` says so, SIGSTOP for `TEST_STOP_AT`. Not part of any image.
 */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';
import type { Steps } from '../ingest-steps.ts';

function signalAt(spec: string | undefined, signal: 'SIGKILL' | 'SIGSTOP'): Steps {
  const [wanted, count = '1'] = (spec ?? '').split(':');
  let left = Number(count);
  return (step) => {
    if (step !== wanted) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, signal);
  };
}

const crash = signalAt(process.env['TEST_CRASH_AT'], 'SIGKILL');
const stop = signalAt(process.env['TEST_STOP_AT'], 'SIGSTOP');

await runProcess({
  name: 'email-service',
  config: async () => (await import('../config.ts')).loadConfig(process.env),
  compose: async (config) =>
    (await import('../compose.ts')).compose(config, (step) => {
      crash(step);
      stop(step);
    }),
});
