/** Marks on the way of a batch, so that a test can wait for one or kill the process at one. Inert in production. */
import { FaultError } from '@mailstream/shared/errors/fault-error';

export type StepName = 'listed' | 'fetched' | 'parsed' | 'stored' | 'committed' | 'published' | 'marked';

export type Steps = (step: StepName) => void;

export const inertSteps: Steps = () => undefined;

/** The row says that the lease is another's: thrown by whoever's write was refused, ends the listener. */
export function fencedFault(): FaultError {
  return new FaultError({
    kind: 'fenced',
    code: 'LEASE_LOST',
    detail: 'the lease belongs to another instance',
  });
}

/** The message, not its surroundings, ended its parser: time, memory or a crash. */
export function isParserKilled(error: unknown): boolean {
  return error instanceof FaultError && error.fault.code === 'PARSER_KILLED';
}
