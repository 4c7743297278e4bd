/** For the owner of a mailbox, who was sent a link and has no account here. Shown whether or not anybody is logged in. */
import { Button, Center, Group, Image, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import type { LinkView } from '../src/contracts/oauth.ts';
import { request, type ApiFailure } from './api.ts';
import { FailureAlert } from './failure-alert.tsx';
import icon from './icon.svg';
import { LanguageSwitch } from './language-switch.tsx';
import { said, texts } from './texts.ts';

const LINKS = '/api/email/oauth/imap/links';

export function OwnerPage(): ReactElement {
  const token = location.hash.slice(1);
  return (
    <Frame>
      {token === '' ? (
        <FailureAlert failure={{ message: texts.owner.missing, hint: '' }} />
      ) : (
        <Request token={token} />
      )}
    </Frame>
  );
}

function Request({ token }: { readonly token: string }): ReactElement {
  const view = useQuery<LinkView, ApiFailure>({
    queryKey: ['login-link'],
    queryFn: () => request<LinkView>('POST', `${LINKS}/view`, { token }),
    retry: false,
    gcTime: 0,
  });
  const start = useMutation<void, ApiFailure, void>({
    mutationFn: async () => {
      const { authorizeUrl } = await request<{ authorizeUrl: string }>('POST', `${LINKS}/start`, { token });
      location.assign(authorizeUrl);
    },
  });
  if (view.data === undefined)
    return view.error === null ? <Text>{texts.common.loading}</Text> : <FailureAlert failure={view.error} />;
  const { tenantName, mailbox, loginHost, errorMessage, errorHint } = view.data;
  return (
    <Stack>
      <Text>{texts.owner.text(tenantName, mailbox)}</Text>
      <Text size="sm" c="dimmed">
        {texts.owner.where(loginHost)}
      </Text>
      {errorMessage !== null && (
        <FailureAlert failure={{ message: said(errorMessage), hint: said(errorHint ?? '') }} />
      )}
      {start.error !== null && <FailureAlert failure={start.error} />}
      <Button loading={start.isPending} onClick={() => start.mutate()}>
        {texts.owner.start}
      </Button>
    </Stack>
  );
}

export function OwnerDonePage(): ReactElement {
  const code = new URLSearchParams(location.search).get('error');
  return (
    <Frame>
      {code === null ? (
        <>
          <Text>{texts.owner.done}</Text>
          <Text size="sm" c="dimmed">
            {texts.owner.doneText}
          </Text>
        </>
      ) : (
        <FailureAlert failure={failureOf(code)} />
      )}
    </Frame>
  );
}

/** The address holds a code alone; its words are ours. */
function failureOf(code: string): { readonly message: string; readonly hint: string } {
  const known: Readonly<Record<string, string>> = texts.owner.failures;
  return { message: texts.owner.failed, hint: known[code] ?? texts.owner.failures.other };
}

function Frame({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={480}>
        <Stack>
          <Group justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Image src={icon} w={32} h={32} alt="" />
              <Text fw={600}>{texts.product}</Text>
            </Group>
            <LanguageSwitch />
          </Group>
          <Title order={1} size="h3">
            {texts.owner.title}
          </Title>
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
