/** What the pages show and do, with the cache in between. Lists are read again when something in them has changed (live.ts). */
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import type { AuditEntry } from '../src/contracts/audit-log.ts';
import type { Client, ClientDetail, Contact } from '../src/contracts/clients.ts';
import type { DeadLetter, DeadLetterDetail } from '../src/contracts/dead-letters.ts';
import type { Message, MessageDetail } from '../src/contracts/messages.ts';
import type { OutboundMail } from '../src/contracts/outbound.ts';
import type { Page } from '../src/contracts/paging.ts';
import type { Activity, Provider } from '../src/contracts/providers.ts';
import type { LoginBody, Me } from '../src/contracts/session.ts';
import type { AccountToken } from '../src/contracts/tokens.ts';
import type { AccountUser } from '../src/contracts/users.ts';
import type { Ticket, TicketDetail } from '../src/contracts/tickets.ts';
import { type ApiFailure, request, withQuery } from './api.ts';
import { useRefreshMs } from './live.ts';

const PROVIDERS = '/api/email/providers';

export function useMe(): UseQueryResult<Me, ApiFailure> {
  return useQuery<Me, ApiFailure>({
    queryKey: ['me'],
    queryFn: () => request<Me>('GET', '/api/auth/me'),
    staleTime: Infinity,
  });
}

export function useLogin(): UseMutationResult<Me, ApiFailure, LoginBody> {
  const client = useQueryClient();
  return useMutation<Me, ApiFailure, LoginBody>({
    mutationFn: (body) => request<Me>('POST', '/api/auth/login', body),
    onSuccess: (me) => client.setQueryData(['me'], me),
  });
}

export function useLogout(): UseMutationResult<void, ApiFailure, void> {
  const client = useQueryClient();
  return useMutation<void, ApiFailure, void>({
    mutationFn: () => request<void>('POST', '/api/auth/logout'),
    // Whatever was on screen belongs to the one who was logged in.
    onSettled: () => client.resetQueries(),
  });
}

export type Filter = Readonly<Record<string, string | null | undefined>>;
export type Pages<Item> = UseInfiniteQueryResult<InfiniteData<Page<Item>, string>, ApiFailure>;

export function usePages<Item>(key: string, path: string, filter: Filter): Pages<Item> {
  return useInfiniteQuery<
    Page<Item>,
    ApiFailure,
    InfiniteData<Page<Item>, string>,
    readonly unknown[],
    string
  >({
    queryKey: [key, 'list', path, filter],
    queryFn: ({ pageParam }) => request<Page<Item>>('GET', withQuery(path, { ...filter, cursor: pageParam })),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: useRefreshMs(),
  });
}

export const useProviders = (filter: Filter): Pages<Provider> => usePages('providers', PROVIDERS, filter);
export const useMessages = (filter: Filter): Pages<Message> =>
  usePages('messages', '/api/email/messages', filter);
export const useDeadLetters = (filter: Filter): Pages<DeadLetter> =>
  usePages('dead-letters', '/api/email/dead-letters', filter);
export const useTickets = (filter: Filter): Pages<Ticket> => usePages('tickets', '/api/tickets', filter);

export function useOne<Item>(key: string, path: string, isLive: boolean): UseQueryResult<Item, ApiFailure> {
  const refreshMs = useRefreshMs();
  return useQuery<Item, ApiFailure>({
    queryKey: [key, 'one', path],
    queryFn: () => request<Item>('GET', path),
    refetchInterval: isLive ? refreshMs : false,
  });
}

export const useProvider = (id: string, isLive = true): UseQueryResult<Provider, ApiFailure> =>
  useOne('providers', `${PROVIDERS}/${id}`, isLive);
export const useActivity = (id: string): UseQueryResult<Activity, ApiFailure> =>
  useOne('providers', `${PROVIDERS}/${id}/activity`, true);
export const useDeadLetter = (eventId: string): UseQueryResult<DeadLetterDetail, ApiFailure> =>
  useOne('dead-letters', `/api/email/dead-letters/${eventId}`, true);
export const useMessage = (eventId: string): UseQueryResult<MessageDetail, ApiFailure> =>
  useOne('messages', `/api/email/messages/${eventId}`, true);
export const useTicket = (id: string): UseQueryResult<TicketDetail, ApiFailure> =>
  useOne('tickets', `/api/tickets/${id}`, true);

export const useClients = (filter: Filter): Pages<Client> => usePages('clients', '/api/clients', filter);
export const useClient = (id: string): UseQueryResult<ClientDetail, ApiFailure> =>
  useOne('clients', `/api/clients/${id}`, true);
export const useContacts = (clientId: string): Pages<Contact> =>
  usePages('clients', `/api/clients/${clientId}/contacts`, {});

export const useUsers = (filter: Filter): Pages<AccountUser> => usePages('users', '/api/users', filter);
export const useAuditLog = (filter: Filter): Pages<AuditEntry> => usePages('audit', '/api/audit-log', filter);
export const useTokens = (): UseQueryResult<{ readonly items: readonly AccountToken[] }, ApiFailure> =>
  useOne('tokens', '/api/tokens', true);
export const useTicketMails = (
  ticketId: string,
): UseQueryResult<{ readonly items: readonly OutboundMail[] }, ApiFailure> =>
  useOne('outbound', withQuery('/api/outbound', { ticketId, limit: 200 }), true);

export type ProviderAction = 'pause' | 'resume' | 'reconnect' | 'audit' | 'delete';

export function useProviderAction(
  provider: Provider,
): UseMutationResult<unknown, ApiFailure, ProviderAction> {
  const client = useQueryClient();
  return useMutation<unknown, ApiFailure, ProviderAction>({
    mutationFn: (action) =>
      action === 'delete'
        ? request('DELETE', `${PROVIDERS}/${provider.id}`)
        : request('POST', `${PROVIDERS}/${provider.id}/${action}`),
    onSuccess: (_result, action) => {
      if (action === 'delete') client.removeQueries({ queryKey: ['providers', 'one'] });
      return client.invalidateQueries({ queryKey: ['providers', 'list'] });
    },
    onSettled: (_result, _failure, action) =>
      action === 'delete' ? undefined : client.invalidateQueries({ queryKey: ['providers', 'one'] }),
  });
}
