import { Anchor, Box, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { FolderStatus, Provider } from '../src/contracts/providers.ts';
import { Age } from './age.tsx';
import { AuditLine } from './audit-badge.tsx';
import { dateTime } from './format.ts';
import { MailboxMenu } from './mailbox-menu.tsx';
import { useMay } from './me.ts';
import { ReconnectButtons } from './reconnect.tsx';
import { ProviderBadge } from './state-badge.tsx';
import { StatusWords } from './status-words.tsx';
import { texts } from './texts.ts';
import { useNow } from './use-now.ts';

export function MailboxCard({ provider }: { readonly provider: Provider }): ReactElement {
  const mayWrite = useMay('providers:write');
  return (
    <Paper withBorder p="md">
      <Stack gap="sm" h="100%">
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <Box miw={0} flex={1}>
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
              {provider.mailbox} · {provider.imap.host}:{provider.imap.port}
            </Text>
          </Box>
          <Group gap="xs" wrap="nowrap" flex="none">
            <ProviderBadge provider={provider} />
            <MailboxMenu provider={provider} />
          </Group>
        </Group>
        <StatusWords provider={provider} />
        {provider.mustReconnect && mayWrite && <ReconnectButtons provider={provider} />}
        <AuditLine provider={provider} />
        <FolderAges folders={provider.folders} />
        <TokenExpiry imap={provider.imap} />
        <Group gap="xs" mt="auto" justify="space-between">
          <Holder lease={provider.lease} />
          <LastMessage at={provider.lastMessageAt} />
        </Group>
      </Stack>
    </Paper>
  );
}

/** As many folders as a card has room for; the mailbox's own page shows all. */
const MAX_FOLDERS = 4;

/** Of each folder since when everything that the server has is here, and what is known to wait. */
function FolderAges({ folders }: { readonly folders: readonly FolderStatus[] }): ReactElement {
  const watched = folders.filter(({ isWatched }) => isWatched);
  return (
    <Stack gap={2}>
      {watched.slice(0, MAX_FOLDERS).map((folder) => (
        <Group key={folder.name} gap="xs" justify="space-between" wrap="nowrap">
          <Text size="xs" className="cut">
            {folder.name}
          </Text>
          <Group gap={4} wrap="nowrap">
            {folder.unseen > 0 && (
              <Text size="xs" c="red">
                {texts.mailbox.waiting(folder.unseen)} ·
              </Text>
            )}
            <Text size="xs" c="dimmed">
              {folder.lastSeenAt === null ? texts.mailboxes.notYetInSync : texts.mailbox.lastSeen}
            </Text>
            {folder.lastSeenAt !== null && (
              <Age at={folder.lastSeenAt} size="xs" c={folder.isStale ? 'red' : 'dimmed'} className="cut" />
            )}
          </Group>
        </Group>
      ))}
      {watched.length > MAX_FOLDERS && (
        <Text size="xs" c="dimmed">
          {texts.mailboxes.moreFolders(watched.length - MAX_FOLDERS)}
        </Text>
      )}
    </Stack>
  );
}

/** The token of the moment is renewed by itself; one that has ended says that it was not. */
function TokenExpiry({ imap }: { readonly imap: Provider['imap'] }): ReactElement | null {
  const now = useNow(60_000);
  if (imap.authType !== 'oauth2' || imap.tokenExpiresAt === null) return null;
  const isOver = Date.parse(imap.tokenExpiresAt) < now;
  return (
    <Text size="xs" c={isOver ? 'red' : 'dimmed'}>
      {isOver ? texts.mailboxes.tokenEnded : texts.reconnect.tokenExpires} {dateTime(imap.tokenExpiresAt)}
    </Text>
  );
}

function Holder({ lease }: { readonly lease: Provider['lease'] }): ReactElement {
  return (
    <Text size="xs" c="dimmed">
      {texts.mailbox.heldBy} {lease?.owner.slice(0, 8) ?? texts.mailbox.heldByNobody}
    </Text>
  );
}

function LastMessage({ at }: { readonly at: string | null }): ReactElement {
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="xs" c="dimmed">
        {at === null ? texts.mailboxes.noMessageYet : texts.mailboxes.lastMessage}
      </Text>
      {at !== null && <Age at={at} size="xs" c="dimmed" />}
    </Group>
  );
}
