/** Marks on the way of a batch, so that a test can wait for one or kill the process at one. Inert in production. */
import { FaultError } from '@mailstream/shared/errors/fault-error';

export type StepName =
  'listed' | 'fetched' | 'piece' | 'parsed' | 'stored' | 'committed' | 'published' | 'marked';

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

/** A write found another cursor than was read before: of a call that was given up and landed late, or of a restored database. */
export function changedFault(): FaultError {
  return new FaultError({
    kind: 'transient',
    code: 'DATABASE_UNAVAILABLE',
    detail: 'the database holds another cursor than we read or stored',
  });
}

/** The message, not its surroundings, ended its parser: time, memory or a crash. */
export function isParserKilled(error: unknown): boolean {
  return error instanceof FaultError && error.fault.code === 'PARSER_KILLED';
}
