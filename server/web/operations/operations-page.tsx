import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState, type ReactElement, type ReactNode } from 'react';
import type { History, ImapStatus } from '../../src/contracts/operations.ts';
import { request } from '../api.ts';
import { Chart } from './chart.tsx';
import { ConfirmModal } from '../confirm-modal.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { duration, number } from '../format.ts';
import { InstanceTable } from './instance-table.tsx';
import { JobTable } from './job-table.tsx';
import { LeaseTable } from './lease-table.tsx';
import { ListSkeleton } from '../list-skeleton.tsx';
import { showDone, showFailure } from '../notify.ts';
import { PageTitle } from '../page-title.tsx';
import { useHistory, useImapStatus, useQueues } from './queries-operations.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

/** The whole installation at one look: who runs, who holds what, how fast it goes, what waits. */
export function OperationsPage(): ReactElement {
  const status = useImapStatus();
  const history = useHistory();
  if (status.data === undefined)
    return status.isPending ? (
      <ListSkeleton rows={6} height={70} />
    ) : (
      <FailureAlert failure={status.error} onRetry={() => void status.refetch()} />
    );
  const { data } = status;
  return (
    <Stack maw={1200}>
      <PageTitle title={texts.operations.title} intro={texts.operations.intro}>
        <PollAndRestart />
      </PageTitle>
      {status.error !== null && <FailureAlert failure={status.error} />}
      <Totals totals={data.totals} waiting={history.data?.waiting ?? null} />
      <Section title={texts.operations.instances}>
        <InstanceTable instances={data.instances} />
      </Section>
      <Section title={texts.operations.charts}>
        {history.data === undefined ? (
          <ListSkeleton rows={1} height={150} />
        ) : (
          <Charts history={history.data} />
        )}
      </Section>
      <Section title={texts.operations.queues}>
        <QueueList />
      </Section>
      <Section title={texts.operations.jobs}>
        <JobTable />
      </Section>
      <Section title={texts.operations.mailboxes}>
        <LeaseTable providers={data.providers} instances={data.instances} />
      </Section>
    </Stack>
  );
}

function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4" mt="sm">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

function Totals(props: {
  readonly totals: ImapStatus['totals'];
  readonly waiting: History['waiting'] | null;
}): ReactElement {
  const { totals, waiting } = props;
  const words = texts.operations.totals;
  const age = totals.oldestDataAgeSeconds;
  const lag = waiting?.oldestSeconds ?? null;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
      <Total label={words.active} value={number(totals.active)}>
        {words.leased(totals.leased, totals.active)}
      </Total>
      <Total label={words.folders} value={number(totals.folders)} isBad={totals.staleFolders > 0}>
        {words.stale(totals.staleFolders)}
      </Total>
      <Total
        label={words.dataAge}
        value={age === null ? '–' : duration(age)}
        isBad={totals.staleFolders > 0}
      />
      <Total label={words.lag} value={lag === null ? duration(0) : duration(Math.max(0, lag))}>
        {waiting === null ? '' : words.lagHint(waiting.toPublish, waiting.toProcess)}
      </Total>
      <Total label={words.audit} value={number(totals.audit.missing)} isBad={totals.audit.missing > 0}>
        {words.auditHint(number(totals.audit.checked))}
      </Total>
    </SimpleGrid>
  );
}

function Total(props: {
  readonly label: string;
  readonly value: string;
  readonly isBad?: boolean;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <Paper withBorder p="md">
      <Text size="xs" c="dimmed">
        {props.label}
      </Text>
      <Text size="xl" fw={700} {...(props.isBad === true ? { c: 'red' } : {})}>
        {props.value}
      </Text>
      <Text size="xs" c="dimmed" mih={18}>
        {props.children}
      </Text>
    </Paper>
  );
}

function Charts({ history }: { readonly history: History }): ReactElement {
  const { buckets, stepSeconds } = history;
  const milliseconds = (ms: number): string => duration(ms / 1000);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Chart
        title={texts.operations.throughput}
        note={texts.operations.perStep(stepSeconds)}
        values={buckets.map(({ received }) => (received === 0 ? null : received))}
        format={number}
      />
      <Chart
        title={texts.operations.arrival}
        values={buckets.map(({ arrivalMs }) => arrivalMs?.p50 ?? null)}
        format={milliseconds}
      />
      <Chart
        title={texts.operations.publishLatency}
        values={buckets.map(({ publishMs }) => publishMs?.p95 ?? null)}
        format={milliseconds}
      />
      <Chart
        title={texts.operations.processLatency}
        values={buckets.map(({ processMs }) => processMs?.p95 ?? null)}
        format={milliseconds}
      />
    </SimpleGrid>
  );
}

function QueueList(): ReactElement {
  const queues = useQueues();
  if (queues.data === undefined)
    return queues.isPending ? <ListSkeleton rows={1} /> : <FailureAlert failure={queues.error} />;
  const { items, hasBoard } = queues.data;
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        {items.map(({ name, waiting, active, delayed, failed }) => (
          <Group key={name} justify="space-between">
            <Text size="sm" fw={500}>
              {name}
            </Text>
            <Text size="sm" {...(failed > 0 ? { c: 'red' } : { c: 'dimmed' })}>
              {texts.operations.queueCounts(waiting, active, delayed, failed)}
            </Text>
          </Group>
        ))}
        {hasBoard ? (
          <Anchor href="/job-board" target="_blank" rel="noreferrer" size="sm">
            {texts.operations.board}
          </Anchor>
        ) : (
          <Text size="sm" c="dimmed">
            {texts.operations.noQueues}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function PollAndRestart(): ReactElement {
  const [isAsking, setIsAsking] = useState(false);
  const poll = useAction(
    () => request<{ providers: number }>('POST', '/api/imap/force-poll'),
    ['operations', 'providers'],
  );
  const restart = useAction(
    () => request<{ providers: number }>('POST', '/api/imap/restart'),
    ['operations', 'providers'],
  );
  return (
    <>
      <Button
        variant="default"
        loading={poll.isPending}
        onClick={() =>
          poll.mutate(undefined, {
            onSuccess: ({ providers }) => showDone(texts.operations.polled(providers)),
            onError: showFailure,
          })
        }
      >
        {texts.operations.pollAll}
      </Button>
      <Button variant="default" onClick={() => setIsAsking(true)}>
        {texts.operations.restartAll}
      </Button>
      <ConfirmModal
        isOpen={isAsking}
        title={texts.operations.restartTitle}
        text={texts.operations.restartText}
        confirm={texts.operations.restart}
        isBusy={restart.isPending}
        onClose={() => setIsAsking(false)}
        onConfirm={() =>
          restart.mutate(undefined, {
            onSuccess: ({ providers }) => showDone(texts.operations.restarted(providers)),
            onError: showFailure,
            onSettled: () => setIsAsking(false),
          })
        }
      />
    </>
  );
}
