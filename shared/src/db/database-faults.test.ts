import { describe, expect, it } from 'vitest';
import {
  CommitUnknownError,
  databaseFault,
  isConnectionError,
  isOutcomeUnknown,
  sqlState,
} from './database-faults.ts';

function answered(code: string): Error {
  return Object.assign(new Error('text with values'), { code, severity: 'ERROR' });
}

describe('database faults', () => {
  it.each([
    '08006',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '53300',
    '53100',
    '28P01',
    '3D000',
    '25006',
    '25P03',
  ])('takes %s for a database that is not available', (code) => {
    expect(databaseFault(answered(code))?.fault).toMatchObject({
      kind: 'transient',
      code: 'DATABASE_UNAVAILABLE',
    });
  });

  it.each(['23505', '22P02', '40001', '40P01', '42P01', '42501'])('leaves %s to the adapter', (code) => {
    expect(databaseFault(answered(code))).toBeNull();
    expect(sqlState(answered(code))).toBe(code);
  });

  it.each([
    Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
    Object.assign(new AggregateError([], 'x'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('x'), { code: 'EAI_AGAIN' }),
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('Query read timeout'),
  ])('takes a lost connection for one (%s)', (error) => {
    expect(isConnectionError(error)).toBe(true);
    expect(databaseFault(error)?.cause).toBe(error);
  });

  it('does not take a disk that is full for a lost connection, nor our own errors for the database’s', () => {
    expect(isConnectionError(answered('53100'))).toBe(false);
    expect(databaseFault(new TypeError('x'))).toBeNull();
    expect(databaseFault('x')).toBeNull();
  });

  it('knows only a commit that was cut as unknown', () => {
    const cut = new CommitUnknownError(new Error('Connection terminated unexpectedly'));
    expect(isOutcomeUnknown(cut)).toBe(true);
    expect(cut.fault.kind).toBe('transient');
    expect(isOutcomeUnknown(databaseFault(answered('57P01')))).toBe(false);
  });
});
