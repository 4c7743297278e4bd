import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { Link } from 'wouter';
import type { ImapStatus } from '../../src/contracts/operations.ts';
import { request } from '../api.ts';
import { dateTime, duration } from '../format.ts';
import { showDone, showFailure } from '../notify.ts';
import { TableFrame } from '../table-frame.tsx';
import { said, texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

type Leased = ImapStatus['providers'][number];

/** Which instance watches which mailbox of the own tenant, until when. */
export function LeaseTable(props: {
  readonly providers: readonly Leased[];
  readonly instances: ImapStatus['instances'];
}): ReactElement {
  const { providers, instances } = props;
  const hostOf = (owner: string): string =>
    instances.find(({ instanceId }) => instanceId === owner)?.host ?? owner.slice(0, 8);
  return (
    <TableFrame
      columns={[
        { label: texts.operations.mailbox },
        { label: texts.operations.state },
        { label: texts.operations.lease },
        { label: texts.operations.data },
        { label: texts.users.actions, isHeadless: true, w: 200 },
      ]}
    >
      {providers.map((provider) => (
        <Table.Tr key={provider.id}>
          <Table.Td>
            <Anchor component={Link} href={`/mailboxes/${provider.id}`} size="sm" fw={500}>
              {provider.providerName}
            </Anchor>
          </Table.Td>
          <Table.Td>
            <Text size="sm">{said(provider.statusText)}</Text>
          </Table.Td>
          <Table.Td>
            <Text size="sm">
              {provider.lease === null ? texts.operations.nobody : hostOf(provider.lease.owner)}
            </Text>
            {provider.lease !== null && (
              <Text size="xs" c="dimmed">
                {texts.operations.leaseUntil} {dateTime(provider.lease.expiresAt)}
              </Text>
            )}
          </Table.Td>
          <Table.Td>
            <Text size="sm" {...(provider.isStale ? { c: 'red' } : {})}>
              {provider.dataAgeSeconds === null ? '–' : duration(provider.dataAgeSeconds)}
            </Text>
          </Table.Td>
          <Table.Td>
            <Actions provider={provider} />
          </Table.Td>
        </Table.Tr>
      ))}
    </TableFrame>
  );
}

function Actions({ provider }: { readonly provider: Leased }): ReactElement {
  const tell = useAction(
    (what: 'force-poll' | 'restart') =>
      request<{ providers: number }>('POST', `/api/imap/${what}`, { providerId: provider.id }),
    ['operations', 'providers'],
  );
  const button = (
    what: 'force-poll' | 'restart',
    label: string,
    done: (count: number) => string,
  ): ReactElement => (
    <Button
      size="compact-sm"
      variant="subtle"
      disabled={tell.isPending}
      aria-label={`${label}: ${provider.providerName}`}
      onClick={() =>
        tell.mutate(what, {
          onSuccess: ({ providers }) => showDone(done(providers)),
          onError: showFailure,
        })
      }
    >
      {label}
    </Button>
  );
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {button('force-poll', texts.operations.poll, texts.operations.polled)}
      {button('restart', texts.operations.restart, texts.operations.restarted)}
    </Group>
  );
}
