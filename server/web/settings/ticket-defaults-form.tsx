import {
  Button,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useState, type ReactElement } from 'react';
import type { Client } from '../../src/contracts/clients.ts';
import type { TicketDefaults } from '../../src/contracts/ticket-defaults.ts';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { showDone, showFailure } from '../notify.ts';
import { useOne } from '../queries.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { useFormWork, wordsOf } from '../use-form-work.ts';

interface Values {
  clientId: string | null;
  priority: TicketDefaults['priority'];
  queue: string;
  tags: string[];
  reopenWithinHours: number | string;
  maxMessagesPerHour: number | string;
  authservIds: string[];
  authservWritesNoId: boolean;
  authservFields: number | string;
  requireVerifiedSender: boolean;
}

const PRIORITIES: readonly TicketDefaults['priority'][] = ['low', 'normal', 'high', 'urgent'];

function toBody(values: Values): Record<string, unknown> {
  const number = (value: number | string): number | undefined =>
    typeof value === 'number' ? value : undefined;
  return {
    ...values,
    queue: values.queue.trim() === '' ? null : values.queue,
    reopenWithinHours: number(values.reopenWithinHours),
    maxMessagesPerHour: number(values.maxMessagesPerHour),
    authservFields: number(values.authservFields),
  };
}

export function TicketDefaultsForm(props: {
  readonly path: string;
  readonly stored: TicketDefaults;
  /** They are set here, not taken over from elsewhere. */
  readonly isOwn: boolean;
  readonly mayWrite: boolean;
  readonly onChanged: () => Promise<void>;
}): ReactElement {
  const { path, stored, isOwn, mayWrite, onChanged } = props;
  const { source: _source, queue, ...rest } = stored;
  const form = useForm<Values>({ initialValues: { ...rest, queue: queue ?? '' } });
  const work = useFormWork(form);
  const save = (values: Values): Promise<boolean> =>
    work.run('saving', async () => {
      await request<TicketDefaults>('PUT', path, toBody(values));
      showDone(texts.ticketDefaults.saved);
      await onChanged();
    });
  return (
    <form onSubmit={form.onSubmit((values) => void save(values))} noValidate>
      <Fieldset variant="unstyled" m={0} p={0} bd="none" disabled={!mayWrite}>
        <Stack>
          <TicketFields form={form} />
          <TrustFields form={form} />
          {work.failure !== null && <FailureAlert failure={wordsOf(work.failure)} />}
          {mayWrite && (
            <Group justify="space-between">
              {isOwn ? <ForgetButton path={path} onForgotten={onChanged} /> : <span />}
              <Button type="submit" loading={work.busy !== null}>
                {texts.common.save}
              </Button>
            </Group>
          )}
        </Stack>
      </Fieldset>
    </form>
  );
}

type Form = UseFormReturnType<Values>;

function TicketFields({ form }: { readonly form: Form }): ReactElement {
  const words = texts.ticketDefaults;
  const clients = useOne<{ readonly items: readonly Client[] }>('clients', '/api/clients?limit=200', false);
  const { clientId } = form.values;
  const known = clients.data?.items ?? [];
  const isMissing = clientId !== null && known.every(({ id }) => id !== clientId);
  return (
    <Fieldset legend={words.tickets}>
      <Stack>
        <Select
          label={words.client}
          description={words.clientHint}
          placeholder={words.noClient}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': texts.common.clear }}
          data={[
            ...known.map(({ id, name }) => ({ value: id, label: name })),
            ...(isMissing ? [{ value: clientId, label: clientId }] : []),
          ]}
          {...form.getInputProps('clientId')}
        />
        <Select
          label={words.priority}
          data={PRIORITIES.map((value) => ({ value, label: words.priorities[value] }))}
          allowDeselect={false}
          {...form.getInputProps('priority')}
        />
        <TextInput label={words.queue} description={words.queueHint} {...form.getInputProps('queue')} />
        <TagsInput
          label={words.tags}
          description={words.tagsHint}
          acceptValueOnBlur
          {...form.getInputProps('tags')}
        />
        <NumberInput
          label={words.reopen}
          description={words.reopenHint}
          min={0}
          max={87_600}
          allowDecimal={false}
          {...form.getInputProps('reopenWithinHours')}
        />
        <NumberInput
          label={words.flood}
          description={words.floodHint}
          min={1}
          max={100_000}
          allowDecimal={false}
          {...form.getInputProps('maxMessagesPerHour')}
        />
      </Stack>
    </Fieldset>
  );
}

function TrustFields({ form }: { readonly form: Form }): ReactElement {
  const words = texts.ticketDefaults;
  return (
    <Fieldset legend={words.trust}>
      <Stack>
        <TagsInput
          label={words.authservIds}
          description={words.authservIdsHint}
          acceptValueOnBlur
          {...form.getInputProps('authservIds')}
        />
        <Checkbox
          label={words.authservWritesNoId}
          {...form.getInputProps('authservWritesNoId', { type: 'checkbox' })}
        />
        <NumberInput
          label={words.authservFields}
          description={words.authservFieldsHint}
          min={1}
          max={5}
          allowDecimal={false}
          {...form.getInputProps('authservFields')}
        />
        <Checkbox
          label={words.requireVerified}
          description={words.requireVerifiedHint}
          {...form.getInputProps('requireVerifiedSender', { type: 'checkbox' })}
        />
      </Stack>
    </Fieldset>
  );
}

function ForgetButton(props: {
  readonly path: string;
  readonly onForgotten: () => Promise<void>;
}): ReactElement {
  const words = texts.ticketDefaults;
  const [isAsking, setIsAsking] = useState(false);
  const forget = useAction(() => request<void>('DELETE', props.path), []);
  return (
    <>
      <Button variant="subtle" color="red" onClick={() => setIsAsking(true)}>
        {words.forget}
      </Button>
      <ConfirmModal
        isOpen={isAsking}
        title={words.forgetTitle}
        text={words.forgetText}
        confirm={words.forgetConfirm}
        isBusy={forget.isPending}
        onClose={() => setIsAsking(false)}
        onConfirm={() =>
          forget.mutate(undefined, {
            onSuccess: () => {
              showDone(words.forgotten);
              void props.onForgotten();
            },
            onError: showFailure,
            onSettled: () => setIsAsking(false),
          })
        }
      />
    </>
  );
}
