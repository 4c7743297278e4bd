/** Going to a login service, and what came of it. */
import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { Authorization, Initiated } from '../src/contracts/oauth.ts';
import { request, type ApiFailure } from './api.ts';
import { FailureAlert } from './failure-alert.tsx';
import { said, texts } from './texts.ts';

const BASE = '/api/email/oauth/imap';

/** Leaves the page. */
export async function goToLogin(body: {
  readonly providerId?: string;
  readonly imap?: Readonly<Record<string, unknown>>;
  readonly returnTo: 'newMailbox' | 'mailbox' | 'editMailbox';
}): Promise<void> {
  const { authorizeUrl } = await request<Initiated>('POST', `${BASE}/initiate`, body);
  location.assign(authorizeUrl);
}

/** @param id null asks for none */
export function useAuthorization(id: string | null): UseQueryResult<Authorization, ApiFailure> {
  return useQuery<Authorization, ApiFailure>({
    queryKey: ['authorization', id],
    queryFn: () => request<Authorization>('GET', `${BASE}/authorizations/${id ?? ''}`),
    enabled: id !== null,
    staleTime: Infinity,
    retry: false,
  });
}

/** Who logged in, or why nobody did. */
export function LoginOutcome({
  authorization,
}: {
  readonly authorization: Authorization;
}): ReactElement | null {
  const { state, account, errorMessage, errorHint } = authorization;
  if (state === 'granted')
    return (
      <output className="block">
        <Alert color="teal" variant="light">
          {account === null ? texts.connect.loggedInUnknown : texts.connect.loggedIn(account)}
        </Alert>
      </output>
    );
  if (state !== 'failed') return null;
  return <FailureAlert failure={{ message: said(errorMessage ?? ''), hint: said(errorHint ?? '') }} />;
}

/** What has to be entered at the provider where the application is registered. */
export function RedirectAddress(): ReactElement {
  const address = `${location.origin}${BASE}/callback`;
  return (
    <Stack gap={4}>
      <Text size="sm">{texts.connect.redirect}</Text>
      <Group gap="xs">
        <Code className="mail-text">{address}</Code>
        <CopyButton value={address}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy}>
              {copied ? texts.connect.copied : texts.connect.copy}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Stack>
  );
}
