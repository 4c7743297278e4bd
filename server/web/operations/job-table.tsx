import { Button, Switch, Table, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import type { Job, JobPatch } from '../../src/contracts/jobs.ts';
import { Age } from '../age.tsx';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { dateTime } from '../format.ts';
import { ListSkeleton } from '../list-skeleton.tsx';
import { showDone, showFailure } from '../notify.ts';
import { useJobs } from './queries-operations.ts';
import { TableFrame } from '../table-frame.tsx';
import { said, texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

export function JobTable(): ReactElement {
  const jobs = useJobs();
  if (jobs.data === undefined)
    return jobs.isPending ? <ListSkeleton rows={3} /> : <FailureAlert failure={jobs.error} />;
  return (
    <TableFrame
      columns={[
        { label: texts.operations.job },
        { label: texts.operations.schedule },
        { label: texts.operations.last },
        { label: texts.operations.next },
        { label: texts.operations.enabled },
        { label: texts.users.actions, isHeadless: true, w: 130 },
      ]}
    >
      {jobs.data.items.map((job) => (
        <JobRow key={job.name} job={job} />
      ))}
    </TableFrame>
  );
}

function JobRow({ job }: { readonly job: Job }): ReactElement {
  const path = `/api/jobs/${job.name}`;
  const change = useAction((patch: JobPatch) => request<Job>('PATCH', path, patch), ['jobs']);
  const run = useAction(() => request('POST', `${path}/run`), ['jobs', 'operations']);
  const { lastRun } = job;
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {job.name}
        </Text>
        <Text size="xs" c="dimmed">
          {said(job.text)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" ff="monospace">
          {job.schedule}
        </Text>
        <Text size="xs" c="dimmed">
          {job.timeZone}
        </Text>
      </Table.Td>
      <Table.Td>
        {lastRun === null ? (
          <Text size="sm" c="dimmed">
            {texts.common.never}
          </Text>
        ) : (
          <>
            <Text size="sm" {...(lastRun.state === 'failed' ? { c: 'red' } : {})}>
              {texts.operations.runStates[lastRun.state]}
            </Text>
            <Age at={lastRun.finishedAt ?? lastRun.dueAt} size="xs" c="dimmed" />
          </>
        )}
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed">
          {job.nextRunAt === null ? texts.operations.disabledJob : dateTime(job.nextRunAt)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Switch
          aria-label={texts.operations.enable(job.name)}
          checked={job.isEnabled}
          disabled={change.isPending}
          onChange={(event) =>
            change.mutate({ isEnabled: event.currentTarget.checked }, { onError: showFailure })
          }
        />
      </Table.Td>
      <Table.Td>
        <Button
          size="compact-sm"
          variant="subtle"
          loading={run.isPending}
          aria-label={`${texts.operations.runNow}: ${job.name}`}
          onClick={() =>
            run.mutate(undefined, {
              onSuccess: () => showDone(texts.operations.jobStarted(job.name)),
              onError: showFailure,
            })
          }
        >
          {texts.operations.runNow}
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}
