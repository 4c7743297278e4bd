import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactElement } from 'react';
import type { NewTenant } from '../../src/contracts/tenants.ts';
import { request, type ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

interface Values {
  name: string;
  displayName: string;
  email: string;
}

const fieldErrors = ({ fields }: ApiFailure): Record<string, string> =>
  Object.fromEntries(fields.map(({ field, message }) => [field.replace('administrator.', ''), message]));

export function TenantAdd(props: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onAdded: (made: NewTenant) => void;
}): ReactElement {
  const words = texts.tenant;
  const form = useForm<Values>({ initialValues: { name: '', displayName: '', email: '' } });
  const add = useAction(
    ({ name, ...administrator }: Values) =>
      request<NewTenant>('POST', '/api/tenants', { name, administrator }),
    ['audit'],
  );
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={words.add} centered>
      <form
        noValidate
        onSubmit={form.onSubmit((values) =>
          add.mutate(values, {
            onSuccess: (made) => {
              form.reset();
              props.onAdded(made);
            },
            onError: (failure) => form.setErrors(fieldErrors(failure)),
          }),
        )}
      >
        <Stack>
          <TextInput label={words.name} required data-autofocus {...form.getInputProps('name')} />
          <Text size="sm" c="dimmed">
            {words.administratorHint}
          </Text>
          <TextInput label={words.administrator} required {...form.getInputProps('displayName')} />
          <TextInput label={texts.users.email} type="email" required {...form.getInputProps('email')} />
          {add.error !== null && add.error.fields.length === 0 && <FailureAlert failure={add.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {texts.common.cancel}
            </Button>
            <Button type="submit" loading={add.isPending}>
              {words.addConfirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
