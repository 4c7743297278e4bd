import {
  Alert,
  Anchor,
  Box,
  Group,
  Paper,
  SimpleGrid,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { Activity, FolderStatus, Provider } from '../src/contracts/providers.ts';
import type { MessageStatus } from '../src/contracts/messages.ts';
import { Age } from './age.tsx';
import { AuditLine, FolderAuditText } from './audit-badge.tsx';
import { FailureAlert } from './failure-alert.tsx';
import { MailboxMenu } from './mailbox-menu.tsx';
import { useMay } from './me.ts';
import { GrantFacts, ReconnectBanner, ReconnectOutcome } from './reconnect.tsx';
import { documentTitle } from './page-title.tsx';
import { useActivity, useProvider } from './queries.ts';
import { StatusWords } from './status-words.tsx';
import { MessageBadge, PROVIDER_COLORS, ProviderBadge } from './state-badge.tsx';
import { TableFrame } from './table-frame.tsx';
import { said, texts } from './texts.ts';

export function MailboxPage({ id }: { readonly id: string }): ReactElement {
  const provider = useProvider(id);
  const activity = useActivity(id);
  const mayWrite = useMay('providers:write');
  useDocumentTitle(documentTitle(provider.data?.providerName ?? texts.mailboxes.title));
  if (provider.data === undefined)
    return provider.isPending ? (
      <Skeleton h={200} maw={1100} />
    ) : (
      <FailureAlert failure={provider.error} onRetry={() => void provider.refetch()} />
    );
  return (
    <Stack maw={1100}>
      <Anchor component={Link} href="/mailboxes" size="sm">
        ← {texts.mailboxes.title}
      </Anchor>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Box miw={0}>
          <Title order={1} size="h2" className="wrap-anywhere">
            {provider.data.providerName}
          </Title>
          <Text c="dimmed" className="wrap-anywhere">
            {provider.data.mailbox}
          </Text>
        </Box>
        <Group gap="xs" wrap="nowrap" flex="none">
          <ProviderBadge provider={provider.data} />
          <MailboxMenu provider={provider.data} />
        </Group>
      </Group>
      {provider.error !== null && <FailureAlert failure={provider.error} />}
      <ReconnectOutcome />
      <ReconnectBanner provider={provider.data} />
      {!(provider.data.mustReconnect && mayWrite) && <Status provider={provider.data} />}
      <Facts provider={provider.data} />
      <Folders folders={provider.data.folders} />
      {activity.data !== undefined && <Recent activity={activity.data} />}
      {activity.data !== undefined && <Changes activity={activity.data} />}
    </Stack>
  );
}

function Status({ provider }: { readonly provider: Provider }): ReactElement {
  const isStale = provider.state === 'connected' && provider.isStale;
  const color = isStale ? 'red' : PROVIDER_COLORS[provider.state];
  return (
    <Alert color={color} variant="light">
      <Stack gap="xs">
        <StatusWords provider={provider} />
        <AuditLine provider={provider} />
      </Stack>
    </Alert>
  );
}

function Facts({ provider }: { readonly provider: Provider }): ReactElement {
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 5 }}>
        <Fact label={texts.mailbox.server} value={`${provider.imap.host}:${provider.imap.port}`} />
        <Fact label={texts.mailbox.user} value={provider.imap.username} />
        <GrantFacts provider={provider} />
        <div>
          <Text size="xs" c="dimmed">
            {texts.mailbox.checked}
          </Text>
          <Age at={provider.lastSyncAt} size="sm" />
        </div>
        <div>
          <Text size="xs" c="dimmed">
            {texts.mailboxes.lastMessage}
          </Text>
          <Age at={provider.lastMessageAt} size="sm" />
        </div>
        <Fact
          label={texts.mailbox.heldBy}
          value={provider.lease?.owner.slice(0, 8) ?? texts.mailbox.heldByNobody}
        />
      </SimpleGrid>
    </Paper>
  );
}

function Fact({ label, value }: { readonly label: string; readonly value: string }): ReactElement {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" className="cut" title={value}>
        {value}
      </Text>
    </div>
  );
}

function Folders({ folders }: { readonly folders: readonly FolderStatus[] }): ReactElement {
  return (
    <TableFrame
      minWidth={320}
      columns={[
        { label: texts.mailbox.folder },
        { label: texts.mailbox.state },
        { label: texts.mailbox.lastSeen },
        { label: texts.mailbox.audit, isWide: true },
        { label: texts.mailbox.position, isWide: true, isRight: true },
      ]}
    >
      {folders.map((folder) => (
        <Table.Tr key={folder.name}>
          <Table.Td>
            <Text size="sm" fw={500}>
              {folder.name}
            </Text>
          </Table.Td>
          <Table.Td>
            <Text size="sm" {...(folder.code === null ? {} : { c: 'red' })}>
              {folder.isWatched ? said(folder.stateText) : texts.mailbox.notWatched}
            </Text>
            {folder.holes > 0 && (
              <Text size="xs" c="dimmed">
                {texts.mailbox.holes(folder.holes)}
              </Text>
            )}
          </Table.Td>
          <Table.Td>
            <Age at={folder.lastSeenAt} size="sm" {...(folder.isStale ? { c: 'red' } : {})} />
            {folder.unseen > 0 && (
              <Text size="xs" c="dimmed">
                {texts.mailbox.waiting(folder.unseen)}
              </Text>
            )}
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <FolderAuditText folder={folder} />
          </Table.Td>
          <Table.Td ta="right" visibleFrom="sm">
            <Text size="sm">{folder.lastUid ?? '–'}</Text>
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}

function Recent({ activity }: { readonly activity: Activity }): ReactElement {
  return (
    <Stack gap="xs">
      <Title order={2} size="h4" mt="sm">
        {texts.mailbox.recent}
      </Title>
      {activity.messages.length === 0 && (
        <Text size="sm" c="dimmed">
          {texts.mailbox.noMessages}
        </Text>
      )}
      {activity.messages.slice(0, 10).map((message) => (
        <Group key={message.eventId} justify="space-between" wrap="nowrap" gap="md">
          <Text size="sm" className="cut" flex={1}>
            {message.subject ?? texts.messages.noSubject}
            <Text span c="dimmed" size="sm">
              {' '}
              · {message.sender ?? texts.messages.noSender}
            </Text>
          </Text>
          <MessageBadge status={message.status as MessageStatus} />
          <Age at={message.receivedAt} size="xs" c="dimmed" miw={110} ta="right" />
        </Group>
      ))}
    </Stack>
  );
}

function Changes({ activity }: { readonly activity: Activity }): ReactElement {
  return (
    <Stack gap="xs">
      <Title order={2} size="h4" mt="sm">
        {texts.mailbox.changes}
      </Title>
      {activity.changes.map((change) => (
        <Group key={`${change.at} ${change.action}`} justify="space-between" wrap="nowrap" gap="md">
          <Text size="sm" className="cut" flex={1}>
            <Text span fw={500} size="sm">
              {change.actorName ?? change.actorType}
            </Text>{' '}
            {change.action === 'provider.updated' && change.fields.length > 0
              ? texts.mailbox.changedFields(change.fields.join(', '))
              : actionText(change.action)}
          </Text>
          <Age at={change.at} size="xs" c="dimmed" miw={110} ta="right" />
        </Group>
      ))}
    </Stack>
  );
}

function actionText(action: string): string {
  const known: Readonly<Record<string, string>> = texts.mailbox.actions;
  return known[action] ?? action;
}
