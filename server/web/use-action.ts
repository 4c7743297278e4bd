import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import type { ApiFailure } from './api.ts';

/**
 * Something that changes things on the server; what it may have changed is read again, whether it worked or not.
 * @param keys first words of those queries
 */
export function useAction<Input, Result>(
  run: (input: Input) => Promise<Result>,
  keys: readonly string[],
): UseMutationResult<Result, ApiFailure, Input> {
  const client = useQueryClient();
  return useMutation<Result, ApiFailure, Input>({
    mutationFn: run,
    onSettled: () =>
      client.invalidateQueries({ predicate: ({ queryKey }) => keys.includes(String(queryKey[0])) }),
  });
}
