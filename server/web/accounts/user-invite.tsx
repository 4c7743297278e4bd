import { Button, Group, Modal, Radio, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactElement } from 'react';
import type { Invitation, Role, UserBody } from '../../src/contracts/users.ts';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { useMay } from '../me.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

const ROLES: readonly Role[] = ['viewer', 'admin', 'operator'];

export function UserInvite(props: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onInvited: (invitation: Invitation) => void;
}): ReactElement {
  const form = useForm<UserBody>({ initialValues: { email: '', displayName: '', role: 'viewer' } });
  const invite = useAction(
    (body: UserBody) => request<Invitation>('POST', '/api/users', body),
    ['users', 'audit'],
  );
  const isOperator = useMay('operator');
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={texts.users.invite} centered>
      <form
        noValidate
        onSubmit={form.onSubmit((values) =>
          invite.mutate(values, {
            onSuccess: (invitation) => {
              form.reset();
              props.onInvited(invitation);
            },
            onError: ({ fields }) =>
              form.setErrors(Object.fromEntries(fields.map(({ field, message }) => [field, message]))),
          }),
        )}
      >
        <Stack>
          <TextInput
            label={texts.users.name}
            required
            data-autofocus
            {...form.getInputProps('displayName')}
          />
          <TextInput label={texts.users.email} type="email" required {...form.getInputProps('email')} />
          <Radio.Group label={texts.users.role} {...form.getInputProps('role')}>
            <Stack gap="xs" mt="xs">
              {ROLES.filter((role) => role !== 'operator' || isOperator).map((role) => (
                <Radio
                  key={role}
                  value={role}
                  label={texts.users.roles[role]}
                  description={texts.users.roleHints[role]}
                />
              ))}
            </Stack>
          </Radio.Group>
          {invite.error !== null && invite.error.fields.length === 0 && (
            <FailureAlert failure={invite.error} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {texts.common.cancel}
            </Button>
            <Button type="submit" loading={invite.isPending}>
              {texts.users.invite}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
