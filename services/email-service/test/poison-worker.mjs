/** The real worker, but a message whose first bytes name a crime commits it: the parser itself gives no such message any more. */
import { processMail as parse, warmUp } from '../dist/adapters/mail-parse-worker.js';

export { warmUp };

export async function processMail(task) {
  const start = task.source.kind === 'bytes' ? Buffer.from(task.source.bytes).toString('latin1', 0, 40) : '';
  if (start.startsWith('X-Poison: spin')) for (;;);
  if (start.startsWith('X-Poison: memory')) {
    const hoard = [];
    for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => ({ i })));
  }
  if (start.startsWith('X-Poison: exit')) process.exit(1);
  if (start.startsWith('X-Poison: throw')) {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    await new Promise(() => undefined);
  }
  if (start.startsWith('X-Poison: wait')) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  return await parse(task);
}
