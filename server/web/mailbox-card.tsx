import { Anchor, Box, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { Provider } from '../src/contracts/providers.ts';
import { Age } from './age.tsx';
import { AuditLine } from './audit-badge.tsx';
import { MailboxMenu } from './mailbox-menu.tsx';
import { ProviderBadge } from './state-badge.tsx';
import { said, texts } from './texts.ts';

export function MailboxCard({ provider }: { readonly provider: Provider }): ReactElement {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm" h="100%">
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <Box miw={0}>
            <Anchor
              component={Link}
              href={`/mailboxes/${provider.id}`}
              fw={600}
              display="block"
              className="cut"
            >
              {provider.providerName}
            </Anchor>
            <Text size="sm" c="dimmed" className="cut">
              {provider.mailbox}
            </Text>
          </Box>
          <Group gap="xs" wrap="nowrap">
            <ProviderBadge provider={provider} />
            <MailboxMenu provider={provider} />
          </Group>
        </Group>
        <StatusWords provider={provider} />
        <AuditLine provider={provider} />
        <Group gap="xs" mt="auto" justify="space-between">
          <Text size="xs" c="dimmed" className="cut">
            {provider.imap.host}:{provider.imap.port} ·{' '}
            {provider.folders
              .filter(({ isWatched }) => isWatched)
              .map(({ name }) => name)
              .join(', ')}
          </Text>
          <DataAge provider={provider} />
        </Group>
      </Stack>
    </Paper>
  );
}

/** The state as a sentence, and what to do where a person is needed. */
export function StatusWords({ provider }: { readonly provider: Provider }): ReactElement {
  const isTrouble = provider.state === 'error' || provider.state === 'disconnected';
  return (
    <Box>
      <Text size="sm">{said(provider.statusText)}</Text>
      {isTrouble && provider.errorHint !== null && (
        <Text size="sm" c="dimmed">
          {said(provider.errorHint)}
        </Text>
      )}
    </Box>
  );
}

/** Since when everything that the server has is here: the oldest of the watched folders. */
function DataAge({ provider }: { readonly provider: Provider }): ReactElement {
  const seen = provider.folders.filter(({ isWatched }) => isWatched).map(({ lastSeenAt }) => lastSeenAt);
  const oldest = seen.some((at) => at === null) ? null : (seen.filter((at) => at !== null).sort()[0] ?? null);
  if (oldest === null)
    return (
      <Text size="xs" c="dimmed">
        {texts.mailboxes.notYetInSync}
      </Text>
    );
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="xs" c="dimmed">
        {texts.mailbox.lastSeen}
      </Text>
      <Age at={oldest} size="xs" c="dimmed" />
    </Group>
  );
}
