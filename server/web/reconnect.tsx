/** A mailbox that only a person can bring back: log in again, enter a password, or ask the owner. */
import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { LoginLink } from '../src/contracts/oauth.ts';
import type { Provider } from '../src/contracts/providers.ts';
import { request, type ApiFailure } from './api.ts';
import { isApplicationLogin } from './application-login.ts';
import { returnedAuthorization } from './draft.ts';
import { FailureAlert } from './failure-alert.tsx';
import { dateTime } from './format.ts';
import { useMay } from './me.ts';
import { StatusWords } from './status-words.tsx';
import { goToLogin, useAuthorization } from './oauth-login.tsx';
import { said, texts } from './texts.ts';

/** Nothing where nobody is needed, or where the one who looks may not change it. */
export function ReconnectBanner({ provider }: { readonly provider: Provider }): ReactElement | null {
  const mayWrite = useMay('providers:write');
  if (!provider.mustReconnect || !mayWrite) return null;
  return (
    <Alert color="red" title={texts.reconnect.title} role="alert">
      <Stack gap="sm" align="flex-start">
        <StatusWords provider={provider} />
        <Text size="sm">{texts.reconnect.text}</Text>
        <ReconnectButtons provider={provider} />
      </Stack>
    </Alert>
  );
}

export function ReconnectButtons({ provider }: { readonly provider: Provider }): ReactElement {
  const { authType, oauthScopes } = provider.imap;
  const isApplication = authType === 'oauth2' && isApplicationLogin(oauthScopes);
  if (authType === 'oauth2' && !isApplication) return <OauthButtons provider={provider} />;
  return (
    <Button component={Link} href={`/mailboxes/${provider.id}/edit`} size="xs">
      {isApplication ? texts.reconnect.application : texts.reconnect.password}
    </Button>
  );
}

function OauthButtons({ provider }: { readonly provider: Provider }): ReactElement {
  const login = useMutation<void, ApiFailure, void>({
    mutationFn: () => goToLogin({ providerId: provider.id, returnTo: 'mailbox' }),
  });
  return (
    <Stack gap="xs" align="flex-start">
      {login.error !== null && <FailureAlert failure={login.error} />}
      <Group gap="xs">
        <Button size="xs" loading={login.isPending} onClick={() => login.mutate()}>
          {texts.reconnect.login}
        </Button>
        <OwnerLink provider={provider} />
      </Group>
    </Stack>
  );
}

/** A link is shown once: whoever has it can use it. */
export function OwnerLink({ provider }: { readonly provider: Provider }): ReactElement {
  const [isOpen, modal] = useDisclosure(false);
  const link = useMutation<LoginLink, ApiFailure, void>({
    mutationFn: () => request<LoginLink>('POST', `/api/email/providers/${provider.id}/login-link`, {}),
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={modal.open}>
        {texts.reconnect.link}
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => {
          modal.close();
          link.reset();
        }}
        title={texts.reconnect.linkTitle}
        closeButtonProps={{ 'aria-label': texts.common.close }}
        centered
      >
        <Stack>
          <Text size="sm">{texts.reconnect.linkText(provider.mailbox)}</Text>
          {link.error !== null && <FailureAlert failure={link.error} />}
          {link.data === undefined ? (
            <Button loading={link.isPending} onClick={() => link.mutate()} style={{ alignSelf: 'flex-end' }}>
              {texts.reconnect.linkOpen}
            </Button>
          ) : (
            <Stack gap="xs" align="flex-start">
              <Code block className="mail-text" w="100%">
                {link.data.url}
              </Code>
              <CopyButton value={link.data.url}>
                {({ copied, copy }) => (
                  <Button size="xs" onClick={copy}>
                    {copied ? texts.connect.copied : texts.connect.copy}
                  </Button>
                )}
              </CopyButton>
            </Stack>
          )}
        </Stack>
      </Modal>
    </>
  );
}

/** On the page that a login came back to: what became of it. */
export function ReconnectOutcome(): ReactElement | null {
  const { data } = useAuthorization(returnedAuthorization());
  if (data === undefined || data.state === 'pending') return null;
  if (data.state === 'failed')
    return (
      <FailureAlert failure={{ message: said(data.errorMessage ?? ''), hint: said(data.errorHint ?? '') }} />
    );
  return (
    <output className="block">
      <Alert color="teal" variant="light">
        {data.account === null ? texts.reconnect.doneUnknown : texts.reconnect.done(data.account)}
      </Alert>
    </output>
  );
}

/** Who logged in, and until when the token of the moment is good; it is renewed by itself. */
export function GrantFacts({ provider }: { readonly provider: Provider }): ReactElement | null {
  const { authType, oauthAccount, tokenExpiresAt } = provider.imap;
  if (authType !== 'oauth2') return null;
  return (
    <>
      <div>
        <Text size="xs" c="dimmed">
          {texts.reconnect.account}
        </Text>
        <Text size="sm" className="cut">
          {oauthAccount ?? '–'}
        </Text>
      </div>
      <div>
        <Text size="xs" c="dimmed">
          {texts.reconnect.tokenExpires}
        </Text>
        <Text size="sm">{tokenExpiresAt === null ? '–' : dateTime(tokenExpiresAt)}</Text>
      </div>
    </>
  );
}
