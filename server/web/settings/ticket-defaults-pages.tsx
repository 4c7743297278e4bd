import { Alert, Anchor, Skeleton, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { TicketDefaults } from '../../src/contracts/ticket-defaults.ts';
import { request, type ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { useMay } from '../me.ts';
import { PageTitle } from '../page-title.tsx';
import { useProvider } from '../queries.ts';
import { texts } from '../texts.ts';
import { MailboxSettingsPage } from './mailbox-settings-page.tsx';
import { TicketDefaultsForm } from './ticket-defaults-form.tsx';

/** What new tickets of all mailboxes get. */
export function TenantTicketDefaults(): ReactElement {
  const words = texts.ticketDefaults;
  return (
    <Stack maw={720}>
      <PageTitle title={words.tenantTitle} intro={words.tenantIntro} />
      <Settings path="/api/tickets/defaults" own="tenant" />
    </Stack>
  );
}

/** What new tickets of one mailbox get. */
export function MailboxTicketDefaults({ id }: { readonly id: string }): ReactElement {
  const provider = useProvider(id, false);
  const words = texts.ticketDefaults;
  if (provider.data === undefined)
    return provider.isPending ? (
      <Skeleton h={400} maw={720} />
    ) : (
      <FailureAlert failure={provider.error} onRetry={() => void provider.refetch()} />
    );
  return (
    <MailboxSettingsPage provider={provider.data} title={words.title} intro={words.intro}>
      <Settings path={`/api/email/providers/${id}/ticket-defaults`} own="mailbox" />
    </MailboxSettingsPage>
  );
}

function Settings(props: { readonly path: string; readonly own: 'tenant' | 'mailbox' }): ReactElement {
  const { path, own } = props;
  const mayWrite = useMay('providers:write');
  const client = useQueryClient();
  const queryKey = ['ticket-defaults', path];
  const defaults = useQuery<TicketDefaults, ApiFailure>({
    queryKey,
    queryFn: () => request<TicketDefaults>('GET', path),
    // What somebody types must not be replaced.
    staleTime: Infinity,
  });
  if (defaults.data === undefined)
    return defaults.isPending ? (
      <Skeleton h={400} />
    ) : (
      <FailureAlert failure={defaults.error} onRetry={() => void defaults.refetch()} />
    );
  const { source } = defaults.data;
  return (
    <Stack>
      {source !== own && (
        <Alert color="blue" variant="light">
          {texts.ticketDefaults.inherited[source === 'tenant' ? 'tenant' : 'builtIn']}{' '}
          {source === 'tenant' && (
            <Anchor component={Link} href="/ticket-defaults" size="sm">
              {texts.ticketDefaults.toTenant}
            </Anchor>
          )}
        </Alert>
      )}
      <TicketDefaultsForm
        // Anew with what is stored now.
        key={String(defaults.dataUpdatedAt)}
        path={path}
        stored={defaults.data}
        isOwn={source === own}
        mayWrite={mayWrite}
        // A mailbox without its own has those of the tenant.
        onChanged={() => client.invalidateQueries({ queryKey: ['ticket-defaults'] })}
      />
    </Stack>
  );
}
