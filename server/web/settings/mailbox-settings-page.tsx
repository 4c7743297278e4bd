import { Anchor, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactElement, ReactNode } from 'react';
import { Link } from 'wouter';
import type { Provider } from '../../src/contracts/providers.ts';
import { documentTitle } from '../page-title.tsx';

/** Settings of one mailbox on a page of their own, with the way back to it. */
export function MailboxSettingsPage(props: {
  readonly provider: Provider;
  readonly title: string;
  readonly intro: string;
  readonly children: ReactNode;
}): ReactElement {
  const { provider, title, intro } = props;
  useDocumentTitle(documentTitle(`${provider.providerName} · ${title}`));
  return (
    <Stack maw={720}>
      <Anchor component={Link} href={`/mailboxes/${provider.id}`} size="sm" className="wrap-anywhere">
        ← {provider.providerName}
      </Anchor>
      <Stack gap={2}>
        <Title order={1} size="h2">
          {title}
        </Title>
        <Text size="sm" c="dimmed">
          {intro}
        </Text>
      </Stack>
      {props.children}
    </Stack>
  );
}
