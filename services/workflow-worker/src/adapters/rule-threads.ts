/**
 * Rules that may take long are asked on threads: a tenant whose expressions and mails are made for it holds up its own mail and nobody
 * else's (DESIGN P4). Steps bound what a rule may take; the clock here is for an engine that is broken.
 *
 *   caller ──▶ its tenant's turn, one at a time ──▶ idle thread ──▶ outcome
 *                                                       └─ wall limit, heap limit, crash ──▶ thread ended; once more, then rejected
 *
 * Threads are started when they are needed and ended when they are not.
 */
import { Piscina } from 'piscina';
import type { RuleOutcome } from '@mailstream/shared/rules/evaluate-rules';
import type { Rule } from '@mailstream/shared/rules/rule-schema';
import type { RuleSubject } from '@mailstream/shared/rules/rule-search';
import { createService, type Service } from '@mailstream/shared/runtime/lifecycle';
import type { RuleThreads } from '../ports.ts';
import { TenantTurns } from '../tenant-turns.ts';
import type { RuleAnswer, RuleTask } from './rule-thread.ts';

const THREADS = 2;
/** A hundred milliseconds of work, on a machine that is busy with something else. */
const WALL_MS = 15_000;
const HEAP_MEBIBYTES = 256;
const IDLE_MS = 60_000;
/** A process that was stopped and goes on sees first how late it is. */
const TRIES = 2;

export interface RuleThreadsOptions {
  /** The built thread; default: beside this file. Tests that run from sources pass the one in `dist`. */
  readonly threadUrl?: URL | undefined;
  /** For one mail of one tenant, starting the thread included. */
  readonly wallMs?: number;
}

export function createRuleThreads(options: RuleThreadsOptions = {}): RuleThreads & Service {
  const { threadUrl = new URL('./rule-thread.js', import.meta.url), wallMs = WALL_MS } = options;
  const turns = new TenantTurns(THREADS);
  let pool: Piscina | null = null;

  const threads = (): Piscina => {
    pool ??= createPool(threadUrl);
    return pool;
  };

  const run = async (task: RuleTask): Promise<RuleAnswer> => {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), wallMs);
    try {
      return (await threads().run(task, { signal: ending.signal })) as RuleAnswer;
    } finally {
      clearTimeout(timer);
    }
  };

  const judge = async (key: string, rules: readonly Rule[], subject: RuleSubject): Promise<RuleOutcome> => {
    const answer = await run({ key, rules: null, subject });
    if (answer.kind === 'judged') return answer.outcome;
    const again = await run({ key, rules, subject });
    if (again.kind === 'judged') return again.outcome;
    throw new Error('the thread wants rules that it was given');
  };

  return {
    judge: ({ tenant, version, rules }, subject) =>
      turns.run(tenant, async () => {
        for (let tried = 1; ; tried += 1) {
          try {
            return await judge(`${tenant} ${version}`, rules, subject);
          } catch (error) {
            if (tried === TRIES) throw error;
          }
        }
      }),
    ...createService('rule threads', {
      start: () => Promise.resolve(),
      stop: async () => {
        const ending = pool;
        pool = null;
        await ending?.destroy();
      },
    }),
  };
}

function createPool(threadUrl: URL): Piscina {
  const pool = new Piscina({
    filename: threadUrl.href,
    name: 'judge',
    minThreads: 0,
    maxThreads: THREADS,
    idleTimeout: IDLE_MS,
    // A blocking wait between tasks is nothing for a thread that is ended from outside.
    atomics: 'disabled',
    // Nothing of the process's own flags: how it resolves packages or debugs is not for the threads.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES, maxYoungGenerationSizeMb: 32 },
  });
  pool.on('error', () => {
    // A thread that died between two mails: replaced, and nobody's mail was in it.
  });
  return pool;
}
