/** What the pages about rules show, and how their order is changed. */
import {
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import type { StoredRule } from '../../src/contracts/rules.ts';
import { request, type ApiFailure } from '../api.ts';
import { showFailure } from '../notify.ts';
import { useOne } from '../queries.ts';

export const RULES = '/api/email/rules';

interface RuleList {
  readonly items: readonly StoredRule[];
}

export const useRules = (): UseQueryResult<RuleList, ApiFailure> => useOne('rules', RULES, true);
/** To be edited: read anew each time, as the form takes what it is given first. */
export function useRule(id: string): UseQueryResult<StoredRule, ApiFailure> {
  return useQuery<StoredRule, ApiFailure>({
    queryKey: ['rule', id],
    queryFn: () => request<StoredRule>('GET', `${RULES}/${id}`),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

const LIST = ['rules', 'one', RULES];
const ORDER = ['rules', 'order'];

/** Shown at once and saved one change after the other, so that keys may be pressed faster than the server answers. */
export function useRuleOrder(): UseMutationResult<unknown, ApiFailure, readonly string[]> {
  const client = useQueryClient();
  return useMutation<unknown, ApiFailure, readonly string[]>({
    mutationKey: ORDER,
    scope: { id: 'rule-order' },
    mutationFn: (ids) => request('PUT', `${RULES}/order`, { ids }),
    async onMutate(ids) {
      await client.cancelQueries({ queryKey: LIST });
      client.setQueryData<RuleList>(LIST, (before) =>
        before === undefined
          ? before
          : { items: before.items.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id)) },
      );
    },
    onError: showFailure,
    onSettled: () =>
      // What the server has is of interest when nothing is on its way to it.
      client.isMutating({ mutationKey: ORDER }) > 1
        ? undefined
        : client.invalidateQueries({ queryKey: LIST }),
  });
}
