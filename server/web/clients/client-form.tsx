import { Button, Group, Modal, Stack, Switch, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactElement } from 'react';
import type { Client, ClientBody } from '../../src/contracts/clients.ts';
import { request, type ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { showDone } from '../notify.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

/** A new client, or one that is changed. Shown as long as it is there. */
export function ClientForm(props: {
  /** Null for a new one. */
  readonly client: Client | null;
  readonly onClose: () => void;
}): ReactElement {
  const { client, onClose } = props;
  const form = useForm<ClientBody>({
    initialValues:
      client === null
        ? { name: '', domains: [], isActive: true }
        : { name: client.name, domains: [...client.domains], isActive: client.isActive },
  });
  const save = useAction(
    (body: ClientBody) =>
      client === null
        ? request<Client>('POST', '/api/clients', body)
        : request<Client>('PUT', `/api/clients/${client.id}`, body),
    ['clients', 'tickets', 'rules', 'audit'],
  );
  const done = ({ name }: Client): void => {
    showDone(client === null ? texts.clients.created(name) : texts.clients.saved(name));
    onClose();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={client === null ? texts.clients.addTitle : texts.clients.editTitle(client.name)}
      centered
    >
      <form
        noValidate
        onSubmit={form.onSubmit((body) =>
          save.mutate(body, {
            onSuccess: done,
            onError: (failure) => form.setErrors(formErrors(failure, body)),
          }),
        )}
      >
        <Stack>
          <TextInput
            label={texts.clients.name}
            required
            maxLength={255}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TagsInput
            label={texts.clients.domains}
            description={texts.clients.domainsHint}
            splitChars={[',', ';', ' ']}
            acceptValueOnBlur
            {...form.getInputProps('domains')}
          />
          <Switch label={texts.clients.isActive} {...form.getInputProps('isActive', { type: 'checkbox' })} />
          {save.error !== null && save.error.fields.length === 0 && <FailureAlert failure={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {texts.common.cancel}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {texts.common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** What is wrong with one of several domains names that one. */
function formErrors({ fields }: ApiFailure, { domains }: ClientBody): Record<string, string> {
  return Object.fromEntries(
    fields.map(({ field, message }) => {
      const at = /^domains\.(\d+)$/.exec(field)?.[1];
      return at === undefined ? [field, message] : ['domains', `${domains[Number(at)] ?? ''}: ${message}`];
    }),
  );
}
