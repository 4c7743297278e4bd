import { Alert, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { Smtp } from '../../src/contracts/outbound.ts';
import type { Provider } from '../../src/contracts/providers.ts';
import { ApiFailure, request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { useMay } from '../me.ts';
import { useProvider } from '../queries.ts';
import { texts } from '../texts.ts';
import { MailboxSettingsPage } from './mailbox-settings-page.tsx';
import { SendingForm } from './sending-form.tsx';
import { SentList } from './sent-list.tsx';

/** Through which server a mailbox sends, as whom, and what became of its mails. */
export function SendingPage({ id }: { readonly id: string }): ReactElement {
  const provider = useProvider(id, false);
  if (provider.data === undefined)
    return provider.isPending ? (
      <Skeleton h={400} maw={720} />
    ) : (
      <FailureAlert failure={provider.error} onRetry={() => void provider.refetch()} />
    );
  return (
    <MailboxSettingsPage provider={provider.data} title={texts.sending.title} intro={texts.sending.intro}>
      <Settings provider={provider.data} />
    </MailboxSettingsPage>
  );
}

function Settings({ provider }: { readonly provider: Provider }): ReactElement {
  const mayWrite = useMay('providers:write');
  const maySeeMails = useMay('tickets:read');
  const client = useQueryClient();
  const queryKey = ['smtp', provider.id];
  const smtp = useQuery<Smtp | null, ApiFailure>({
    queryKey,
    queryFn: () =>
      request<Smtp>('GET', `/api/email/providers/${provider.id}/smtp`).catch((failure: unknown) => {
        if (failure instanceof ApiFailure && failure.status === 404) return null;
        throw failure;
      }),
    // What somebody types must not be replaced.
    staleTime: Infinity,
  });
  if (smtp.data === undefined)
    return smtp.isPending ? (
      <Skeleton h={400} />
    ) : (
      <FailureAlert failure={smtp.error} onRetry={() => void smtp.refetch()} />
    );
  const stored = smtp.data;
  // Below the form, so that nothing moves when that is there.
  const mails = maySeeMails && (
    <Stack gap="xs" component="section" aria-label={texts.sending.mails}>
      <Title order={2} size="h4" mt="sm">
        {texts.sending.mails}
      </Title>
      <SentList providerId={provider.id} />
    </Stack>
  );
  if (stored === null && !mayWrite)
    return (
      <Stack>
        <Text c="dimmed">{texts.sending.none}</Text>
        {mails}
      </Stack>
    );
  return (
    <Stack>
      {stored === null && (
        <Alert color="blue" variant="light" title={texts.sending.none}>
          {texts.sending.noneHint}
        </Alert>
      )}
      <SendingForm
        // Anew with what is stored now.
        key={String(smtp.dataUpdatedAt)}
        provider={provider}
        stored={stored}
        mayWrite={mayWrite}
        onChanged={() => client.invalidateQueries({ queryKey })}
      />
      {mails}
    </Stack>
  );
}
