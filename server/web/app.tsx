/** Which page is shown: the login until somebody is logged in, then whatever the address says. */
import { Center, Loader, Text } from '@mantine/core';
import { lazy, Suspense, type ReactElement } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { FailureAlert } from './failure-alert.tsx';
import { Layout } from './layout.tsx';
import { LoginPage } from './login-page.tsx';
import { useMe } from './queries.ts';
import { texts } from './texts.ts';

const MailboxList = lazy(() =>
  import('./mailbox-list.tsx').then((module) => ({ default: module.MailboxList })),
);
const MailboxPage = lazy(() =>
  import('./mailbox-page.tsx').then((module) => ({ default: module.MailboxPage })),
);
const AddMailbox = lazy(() =>
  import('./mailbox-form-page.tsx').then((module) => ({ default: module.AddMailbox })),
);
const EditMailbox = lazy(() =>
  import('./mailbox-form-page.tsx').then((module) => ({ default: module.EditMailbox })),
);
const MessageList = lazy(() =>
  import('./message-list.tsx').then((module) => ({ default: module.MessageList })),
);
const TicketList = lazy(() => import('./ticket-list.tsx').then((module) => ({ default: module.TicketList })));
const TicketPage = lazy(() => import('./ticket-page.tsx').then((module) => ({ default: module.TicketPage })));

export function App(): ReactElement {
  const me = useMe();
  if (me.data === undefined) {
    if (me.isPending) return <Waiting />;
    if (me.error.status === 401) return <LoginPage />;
    return (
      <Center h="100vh" p="md">
        <FailureAlert failure={me.error} onRetry={() => void me.refetch()} />
      </Center>
    );
  }
  return (
    <Layout me={me.data}>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/">
            <Redirect to="/mailboxes" replace />
          </Route>
          <Route path="/mailboxes" component={MailboxList} />
          <Route path="/mailboxes/new" component={AddMailbox} />
          <Route path="/mailboxes/:id">{({ id }) => <MailboxPage id={id} />}</Route>
          <Route path="/mailboxes/:id/edit">{({ id }) => <EditMailbox id={id} />}</Route>
          <Route path="/messages" component={MessageList} />
          <Route path="/tickets" component={TicketList} />
          <Route path="/tickets/:id">{({ id }) => <TicketPage id={id} />}</Route>
          <Route>
            <Text>{texts.common.pageMissing}</Text>
          </Route>
        </Switch>
      </Suspense>
    </Layout>
  );
}

function Waiting(): ReactElement {
  return (
    <Center h="50vh">
      <Loader aria-label={texts.common.loading} />
    </Center>
  );
}
