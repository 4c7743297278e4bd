import { Paper, Progress, Stack, Table, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import type { ImapStatus } from '../../src/contracts/operations.ts';
import { Age } from '../age.tsx';
import { duration } from '../format.ts';
import { StateBadge } from '../state-badge.tsx';
import { TableFrame } from '../table-frame.tsx';
import { texts } from '../texts.ts';

type Instance = ImapStatus['instances'][number];

/** Processes that are alive, and what each one carries of what it should. */
export function InstanceTable({ instances }: { readonly instances: readonly Instance[] }): ReactElement {
  if (instances.length === 0)
    return (
      <Paper withBorder p="md">
        <Text fw={600}>{texts.operations.noInstances}</Text>
        <Text size="sm" c="dimmed">
          {texts.operations.noInstancesHint}
        </Text>
      </Paper>
    );
  return (
    <TableFrame
      columns={[
        { label: texts.operations.instance },
        { label: texts.operations.state },
        { label: texts.operations.load, w: 180 },
        { label: texts.operations.leases },
        { label: texts.operations.data },
        { label: texts.operations.beat },
      ]}
    >
      {instances.map((instance) => (
        <Row key={instance.instanceId} instance={instance} />
      ))}
    </TableFrame>
  );
}

function Row({ instance }: { readonly instance: Instance }): ReactElement {
  const { data, heldBy, share, folders } = instance;
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {instance.service} {instance.version}
        </Text>
        <Text size="xs" c="dimmed">
          {instance.host} · {instance.instanceId.slice(0, 8)}
        </Text>
      </Table.Td>
      <Table.Td>
        <StateBadge
          color={instance.state === 'running' ? 'teal' : 'yellow'}
          label={texts.operations.states[instance.state]}
        />
        {heldBy !== null && (
          <Text size="xs" c="red">
            {texts.operations.heldBy}: {heldBy}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Stack gap={4}>
          <Text size="sm">
            {folders}
            {share === null ? '' : ` / ${share}`}
          </Text>
          {share !== null && share > 0 && (
            <Progress
              value={Math.min(100, (folders / share) * 100)}
              size="sm"
              aria-label={texts.operations.load}
            />
          )}
        </Stack>
      </Table.Td>
      <Table.Td>{instance.leases}</Table.Td>
      <Table.Td>
        <Text size="sm" {...(data !== null && data.staleFolders > 0 ? { c: 'red' } : {})}>
          {data === null ? '–' : duration(data.oldestDataAgeSeconds)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Age at={instance.heartbeatAt} size="sm" c="dimmed" />
      </Table.Td>
    </Table.Tr>
  );
}
