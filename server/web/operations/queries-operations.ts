/** What the operator's area shows. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { Job } from '../../src/contracts/jobs.ts';
import type { History, ImapStatus, Queues } from '../../src/contracts/operations.ts';
import type { ApiFailure } from '../api.ts';
import { useOne } from '../queries.ts';

export const useImapStatus = (): UseQueryResult<ImapStatus, ApiFailure> =>
  useOne('operations', '/api/imap/status', true);
export const useHistory = (): UseQueryResult<History, ApiFailure> =>
  useOne('operations', '/api/operations/history', true);
export const useQueues = (): UseQueryResult<Queues, ApiFailure> =>
  useOne('operations', '/api/operations/queues', true);
export const useJobs = (): UseQueryResult<{ readonly items: readonly Job[] }, ApiFailure> =>
  useOne('jobs', '/api/jobs', true);
