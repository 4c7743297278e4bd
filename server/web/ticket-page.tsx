import { Anchor, Badge, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { TicketDetail } from '../src/contracts/tickets.ts';
import { Age } from './age.tsx';
import { FailureAlert } from './failure-alert.tsx';
import { bytes } from './format.ts';
import { useTicket } from './queries.ts';
import { TicketBadge } from './state-badge.tsx';
import { texts } from './texts.ts';

export function TicketPage({ id }: { readonly id: string }): ReactElement {
  const ticket = useTicket(id);
  if (ticket.data === undefined)
    return ticket.isPending ? (
      <Skeleton h={200} maw={900} />
    ) : (
      <FailureAlert failure={ticket.error} onRetry={() => void ticket.refetch()} />
    );
  const { data } = ticket;
  return (
    <Stack maw={900}>
      <Anchor component={Link} href="/tickets" size="sm">
        ← {texts.tickets.title}
      </Anchor>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Title order={1} size="h2">
          <Text span inherit c="dimmed" fw={400}>
            #{data.number}
          </Text>{' '}
          {data.subject === '' ? texts.messages.noSubject : data.subject}
        </Title>
        <TicketBadge status={data.status} />
      </Group>
      {data.comments.map((comment) => (
        <Comment key={comment.id} comment={comment} />
      ))}
    </Stack>
  );
}

/** Mail is shown as text only: nothing of it can run, load or look like a part of this page. */
function Comment({ comment }: { readonly comment: TicketDetail['comments'][number] }): ReactElement {
  const { author } = comment;
  return (
    <Paper withBorder p="md" component="article">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <div>
            <Text size="sm" fw={600}>
              {author.name ?? author.email}
            </Text>
            {author.name !== null && (
              <Text size="xs" c="dimmed">
                {author.email}
              </Text>
            )}
          </div>
          <Group gap="xs" wrap="nowrap">
            {comment.isInternal && (
              <Badge variant="light" color="yellow" tt="none">
                {texts.tickets.internal}
              </Badge>
            )}
            <Age at={comment.createdAt} size="xs" c="dimmed" />
          </Group>
        </Group>
        <Text component="div" size="sm" className="mail-text">
          {comment.bodyText}
        </Text>
        {comment.hasHtml && (
          <Text size="xs" c="dimmed">
            {texts.tickets.htmlHidden}
          </Text>
        )}
        {comment.attachments.length > 0 && (
          <Group gap="xs">
            {comment.attachments.map((attachment) => (
              <Badge key={attachment.id} variant="outline" color="gray" tt="none" fw={500} maw="100%">
                {attachment.name} · {bytes(attachment.size)}
              </Badge>
            ))}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}
