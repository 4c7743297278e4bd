/**
 * The daemon as tests run it: the real composition, and a process that ends itself with SIGKILL at the n-th passage of a step
 * when `TEST_CRASH_AT=<step>` or `<step>:<n>` says so. Not part of any image.
 */
import { runProcess } from '@mailstream/shared/runtime/lifecycle';
import { inertSteps, type Steps } from '../ingest-steps.ts';

function crashAt(spec: string | undefined): Steps {
  if (spec === undefined) return inertSteps;
  const [wanted, count = '1'] = spec.split(':');
  let left = Number(count);
  return (step) => {
    if (step !== wanted) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

await runProcess({
  name: 'email-service',
  config: async () => (await import('../config.ts')).loadConfig(process.env),
  compose: async (config) =>
    (await import('../compose.ts')).compose(config, crashAt(process.env['TEST_CRASH_AT'])),
});
