import { Group, SegmentedControl, SimpleGrid, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import type { ProviderHistory } from '../src/contracts/operations.ts';
import { request, type ApiFailure } from './api.ts';
import { FailureAlert } from './failure-alert.tsx';
import { duration, number } from './format.ts';
import { ListSkeleton } from './list-skeleton.tsx';
import { Chart } from './operations/chart.tsx';
import { texts } from './texts.ts';

const HOURS = ['1', '24', '168'] as const;
/** Not with each mail: of a busy mailbox it is no cheap question. */
const REFRESH_MS = 60_000;

/** What came into a mailbox lately, and how long after its arrival at the mail server it was here. */
export function MailboxHistory({ id }: { readonly id: string }): ReactElement {
  const words = texts.mailbox.history;
  const [hours, setHours] = useState<string>('24');
  const history = useQuery<ProviderHistory, ApiFailure>({
    queryKey: ['mailbox-history', id, hours],
    queryFn: () => request<ProviderHistory>('GET', `/api/email/providers/${id}/history?hours=${hours}`),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Stack gap="xs" component="section" aria-label={words.title}>
      <Group justify="space-between" mt="sm">
        <Title order={2} size="h4">
          {words.title}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={words.period}
          data={HOURS.map((value) => ({ value, label: words.periods[value] }))}
          value={hours}
          onChange={setHours}
        />
      </Group>
      {history.data !== undefined && <Charts history={history.data} />}
      {history.data === undefined &&
        (history.isPending ? (
          <ListSkeleton rows={1} height={150} />
        ) : (
          <FailureAlert failure={history.error} onRetry={() => void history.refetch()} />
        ))}
    </Stack>
  );
}

function Charts({ history }: { readonly history: ProviderHistory }): ReactElement {
  const { buckets, stepSeconds } = history;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Chart
        title={texts.mailbox.history.arrival}
        values={buckets.map(({ arrivalMs }) => arrivalMs?.p50 ?? null)}
        format={(ms) => duration(ms / 1000)}
      />
      <Chart
        title={texts.operations.throughput}
        note={texts.operations.perStep(stepSeconds)}
        values={buckets.map(({ received }) => (received === 0 ? null : received))}
        format={number}
      />
    </SimpleGrid>
  );
}
