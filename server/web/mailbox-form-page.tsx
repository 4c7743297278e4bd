import { Anchor, Skeleton, Stack, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useLocation } from 'wouter';
import type { Provider } from '../src/contracts/providers.ts';
import { request } from './api.ts';
import { ConnectWizard } from './connect-wizard.tsx';
import { FailureAlert } from './failure-alert.tsx';
import { MailboxForm } from './mailbox-form.tsx';
import { useProvider } from './queries.ts';
import { texts } from './texts.ts';

export function AddMailbox(): ReactElement {
  const saved = useSaved(texts.form.created);
  return (
    <Page title={texts.form.addTitle} back="/mailboxes">
      <ConnectWizard
        onSave={async (body) => saved(await request<Provider>('POST', '/api/email/providers', body))}
      />
    </Page>
  );
}

export function EditMailbox({ id }: { readonly id: string }): ReactElement {
  // Not refreshed while it is edited: what somebody types must not be replaced.
  const provider = useProvider(id, false);
  const saved = useSaved(texts.form.saved);
  if (provider.data === undefined)
    return provider.isPending ? (
      <Skeleton h={400} maw={720} />
    ) : (
      <FailureAlert failure={provider.error} onRetry={() => void provider.refetch()} />
    );
  return (
    <Page title={texts.form.editTitle(provider.data.providerName)} back={`/mailboxes/${id}`}>
      <MailboxForm
        stored={provider.data}
        onSave={async (body) => saved(await request<Provider>('PATCH', `/api/email/providers/${id}`, body))}
      />
    </Page>
  );
}

function useSaved(message: (name: string) => string): (provider: Provider) => Promise<void> {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return async (provider) => {
    notifications.show({
      message: message(provider.providerName),
      color: 'teal',
      closeButtonProps: { 'aria-label': texts.common.close },
    });
    await client.invalidateQueries({ queryKey: ['providers'] });
    navigate(`/mailboxes/${provider.id}`);
  };
}

function Page(props: {
  readonly title: string;
  readonly back: string;
  readonly children: ReactElement;
}): ReactElement {
  return (
    <Stack maw={720}>
      <Anchor component={Link} href={props.back} size="sm">
        ← {texts.common.back}
      </Anchor>
      <Title order={1} size="h2">
        {props.title}
      </Title>
      {props.children}
    </Stack>
  );
}
