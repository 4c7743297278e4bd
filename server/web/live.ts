/**
 * Hears from the server which lists have changed and has them read again. A page that nobody looks at hears nothing: browsers have few
 * connections for each server. Whatever was missed is read when it comes back.
 */
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useState } from 'react';

const SLOW_MS = 30_000;
const FAST_MS = 4_000;

/** What is read again when a topic has changed, by the first word of its query. */
const QUERIES: Readonly<Record<string, readonly string[]>> = {
  providers: ['providers', 'operations'],
  messages: ['messages', 'dead-letters', 'providers', 'rules'],
  tickets: ['tickets', 'outbound', 'messages', 'clients'],
};

export const LiveContext = createContext(false);

/** How often a list is read again: seldom while changes are heard, for ages and what a notice may have missed. */
export function useRefreshMs(): number {
  return use(LiveContext) ? SLOW_MS : FAST_MS;
}

function readAgain(client: QueryClient, topics: readonly string[]): void {
  const keys = new Set(topics.flatMap((topic) => QUERIES[topic] ?? []));
  void client.invalidateQueries({ predicate: ({ queryKey }) => keys.has(String(queryKey[0])) });
}

/** True while changes are heard. To be used once, where somebody is logged in. */
export function useLive(): boolean {
  const client = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  useEffect(() => {
    let source: EventSource | null = null;
    let isFirst = true;
    const close = (): void => {
      source?.close();
      source = null;
      setIsLive(false);
    };
    const open = (): void => {
      if (source !== null) return;
      source = new EventSource('/api/stream');
      source.addEventListener('open', () => {
        setIsLive(true);
        if (!isFirst) readAgain(client, Object.keys(QUERIES));
        isFirst = false;
      });
      source.addEventListener('change', (event: MessageEvent<string>) => {
        const { topics } = JSON.parse(event.data) as { readonly topics: readonly string[] };
        readAgain(client, topics);
      });
      // Logged out elsewhere: asking who is logged in brings the login.
      source.addEventListener('end', () => {
        close();
        void client.resetQueries({ queryKey: ['me'] });
      });
      source.addEventListener('error', () => {
        setIsLive(false);
        // The browser tries again by itself, unless the server answered with a refusal.
        if (source?.readyState === EventSource.CLOSED) source = null;
      });
    };
    const look = (): void => (document.visibilityState === 'visible' ? open() : close());
    look();
    document.addEventListener('visibilitychange', look);
    const retry = setInterval(look, SLOW_MS);
    return () => {
      document.removeEventListener('visibilitychange', look);
      clearInterval(retry);
      close();
    };
  }, [client]);
  return isLive;
}
