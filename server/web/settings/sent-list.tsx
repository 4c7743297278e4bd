import { Anchor, Button, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { OutboundMail } from '../../src/contracts/outbound.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { useMay } from '../me.ts';
import { showFailure } from '../notify.ts';
import { PagedList } from '../paged-list.tsx';
import { usePages } from '../queries.ts';
import { StateBadge } from '../state-badge.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

const COLORS: Record<OutboundMail['state'], string> = {
  queued: 'blue',
  sending: 'blue',
  sent: 'teal',
  failed: 'red',
  bounced: 'red',
  suppressed: 'gray',
};

/** What was or is to be sent through a mailbox, newest first. */
export function SentList({ providerId }: { readonly providerId: string }): ReactElement {
  const mails = usePages<OutboundMail>('outbound', '/api/outbound', { providerId, limit: '20' });
  return (
    <PagedList pages={mails} empty={{ title: texts.sending.noMails, hint: texts.sending.noMailsHint }}>
      {(items) => (
        <Paper withBorder p="md">
          <Stack gap="sm">
            {items.map((mail) => (
              <Mail key={mail.id} mail={mail} />
            ))}
          </Stack>
        </Paper>
      )}
    </PagedList>
  );
}

function Mail({ mail }: { readonly mail: OutboundMail }): ReactElement {
  const mayWrite = useMay('tickets:write');
  const retry = useAction(() => request('POST', `/api/outbound/${mail.id}/retry`), ['outbound', 'tickets']);
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
        <Anchor component={Link} href={`/tickets/${mail.ticketId}`} size="sm" className="cut">
          {mail.subject}
        </Anchor>
        <StateBadge color={COLORS[mail.state]} label={texts.tickets.mailStates[mail.state]} />
      </Group>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed" className="wrap-anywhere">
          {texts.sending.kinds[mail.kind]} · {mail.to}
        </Text>
        <Age at={mail.sentAt ?? mail.createdAt} size="xs" c="dimmed" />
      </Group>
      {mail.errorCode !== null && (
        <Text size="xs" c={mail.state === 'failed' || mail.state === 'bounced' ? 'red' : 'dimmed'}>
          {mail.errorCode}
          {mail.errorDetail === null ? '' : `: ${mail.errorDetail}`}
        </Text>
      )}
      {mail.state === 'failed' && mayWrite && (
        <Button
          variant="light"
          size="compact-xs"
          style={{ alignSelf: 'flex-start' }}
          loading={retry.isPending}
          onClick={() => retry.mutate(undefined, { onError: showFailure })}
        >
          {texts.tickets.retry}
        </Button>
      )}
    </Stack>
  );
}
