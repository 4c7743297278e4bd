/** The real worker, but a message whose first bytes name a crime commits it: the parser itself gives no such message any more. */
import {
  begin,
  processGroup as parseGroup,
  processMail as parse,
  warmUp,
} from '../dist/adapters/mail-parse-worker.js';

export { warmUp };

export async function processMail(task) {
  begin(task);
  if (task.source.kind === 'bytes') await commit(task.source.bytes);
  return await parse(task);
}

export async function processGroup(task) {
  begin(task);
  for (const { bytes } of task.mails) await commit(bytes);
  return await parseGroup(task);
}

async function commit(bytes) {
  const start = Buffer.from(bytes).toString('latin1', 0, 40);
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
}
