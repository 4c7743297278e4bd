import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiFailure } from './api.ts';
import { App } from './app.tsx';
import { language } from './texts.ts';
import { cssVariables, theme } from './theme.ts';

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
// Modals lock the page's scrolling with a style of their own; it takes its nonce from here.
setNonce(nonce);

document.documentElement.lang = language;

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (failure, query) => {
      // The session ended while a page was open: asking again who is logged in brings the login.
      if (failure instanceof ApiFailure && failure.status === 401 && query.queryKey[0] !== 'me')
        void client.resetQueries({ queryKey: ['me'] });
    },
  }),
  defaultOptions: {
    queries: {
      // What the server refused it refuses again; what did not arrive may arrive the next time.
      retry: (count, failure) => count < 2 && (!(failure instanceof ApiFailure) || failure.status >= 500),
      refetchOnWindowFocus: true,
    },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root element');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" />
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
