/** Which page is shown: the login until somebody is logged in, then whatever the address says. */
import { Box, Center } from '@mantine/core';
import { lazy, Suspense, type ReactElement } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { FailureAlert } from './failure-alert.tsx';
import { Layout } from './layout.tsx';
import { ListSkeleton } from './list-skeleton.tsx';
import { LoginPage } from './login-page.tsx';
import { PageTitle } from './page-title.tsx';
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
const DeadLetterList = lazy(() =>
  import('./mail/dead-letter-list.tsx').then((module) => ({ default: module.DeadLetterList })),
);
const StrayList = lazy(() =>
  import('./mail/stray-list.tsx').then((module) => ({ default: module.StrayList })),
);
const ClientList = lazy(() =>
  import('./clients/client-list.tsx').then((module) => ({ default: module.ClientList })),
);
const ClientPage = lazy(() =>
  import('./clients/client-page.tsx').then((module) => ({ default: module.ClientPage })),
);
const RuleList = lazy(() => import('./rules/rule-list.tsx').then((module) => ({ default: module.RuleList })));
const AddRule = lazy(() =>
  import('./rules/rule-form-page.tsx').then((module) => ({ default: module.AddRule })),
);
const EditRule = lazy(() =>
  import('./rules/rule-form-page.tsx').then((module) => ({ default: module.EditRule })),
);
const UserList = lazy(() =>
  import('./accounts/user-list.tsx').then((module) => ({ default: module.UserList })),
);
const TokenList = lazy(() =>
  import('./accounts/token-list.tsx').then((module) => ({ default: module.TokenList })),
);
const TenantPage = lazy(() =>
  import('./accounts/tenant-page.tsx').then((module) => ({ default: module.TenantPage })),
);
const AuditList = lazy(() =>
  import('./accounts/audit-list.tsx').then((module) => ({ default: module.AuditList })),
);
const OperationsPage = lazy(() =>
  import('./operations/operations-page.tsx').then((module) => ({ default: module.OperationsPage })),
);
const SetPasswordPage = lazy(() =>
  import('./accounts/password-pages.tsx').then((module) => ({ default: module.SetPasswordPage })),
);
const ChangePasswordPage = lazy(() =>
  import('./accounts/password-pages.tsx').then((module) => ({ default: module.ChangePasswordPage })),
);
const OwnerPage = lazy(() => import('./owner-page.tsx').then((module) => ({ default: module.OwnerPage })));
const OwnerDonePage = lazy(() =>
  import('./owner-page.tsx').then((module) => ({ default: module.OwnerDonePage })),
);
const MessageList = lazy(() =>
  import('./mail/message-list.tsx').then((module) => ({ default: module.MessageList })),
);
const SendingPage = lazy(() =>
  import('./settings/sending-page.tsx').then((module) => ({ default: module.SendingPage })),
);
const MailboxTicketDefaults = lazy(() =>
  import('./settings/ticket-defaults-pages.tsx').then((module) => ({
    default: module.MailboxTicketDefaults,
  })),
);
const TenantTicketDefaults = lazy(() =>
  import('./settings/ticket-defaults-pages.tsx').then((module) => ({ default: module.TenantTicketDefaults })),
);
const TicketList = lazy(() =>
  import('./mail/ticket-list.tsx').then((module) => ({ default: module.TicketList })),
);
const TicketPage = lazy(() =>
  import('./mail/ticket-page.tsx').then((module) => ({ default: module.TicketPage })),
);

export function App(): ReactElement {
  const [path] = useLocation();
  if (path === '/password') return <Public page={<SetPasswordPage />} />;
  // The owner of a mailbox has no account here.
  if (path === '/connect') return <Public page={<OwnerPage />} />;
  if (path === '/connect/done') return <Public page={<OwnerDonePage />} />;
  return <Pages />;
}

function Public({ page }: { readonly page: ReactElement }): ReactElement {
  return <Suspense fallback={<Waiting />}>{page}</Suspense>;
}

/** Of somebody who is logged in; the login for anybody else. */
function Pages(): ReactElement {
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
          <Route path="/mailboxes/:id/sending">{({ id }) => <SendingPage id={id} />}</Route>
          <Route path="/mailboxes/:id/ticket-defaults">{({ id }) => <MailboxTicketDefaults id={id} />}</Route>
          <Route path="/ticket-defaults" component={TenantTicketDefaults} />
          <Route path="/messages" component={MessageList} />
          <Route path="/dead-letters" component={DeadLetterList} />
          <Route path="/dead-letters/strays" component={StrayList} />
          <Route path="/clients" component={ClientList} />
          <Route path="/clients/:id">{({ id }) => <ClientPage id={id} />}</Route>
          <Route path="/rules" component={RuleList} />
          <Route path="/rules/new" component={AddRule} />
          <Route path="/rules/:id">{({ id }) => <EditRule id={id} />}</Route>
          <Route path="/users" component={UserList} />
          <Route path="/tokens" component={TokenList} />
          <Route path="/tenant" component={TenantPage} />
          <Route path="/audit-log" component={AuditList} />
          <Route path="/operations" component={OperationsPage} />
          <Route path="/account" component={ChangePasswordPage} />
          <Route path="/tickets" component={TicketList} />
          <Route path="/tickets/:id">{({ id }) => <TicketPage id={id} />}</Route>
          <Route>
            <PageTitle title={texts.common.pageMissing} />
          </Route>
        </Switch>
      </Suspense>
    </Layout>
  );
}

function Waiting(): ReactElement {
  return (
    <Box maw={1100} mx="auto" p="md">
      <ListSkeleton rows={8} />
    </Box>
  );
}
