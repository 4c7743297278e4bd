import { Button, Checkbox, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { use, type ReactElement } from 'react';
import type { Scope } from '../../src/contracts/session.ts';
import type { NewToken } from '../../src/contracts/tokens.ts';
import { request } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { MeContext } from '../me.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

interface Values {
  name: string;
  scopes: string[];
  /** A day, or empty. */
  expires: string;
}

export function TokenForm(props: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onMade: (token: NewToken) => void;
}): ReactElement {
  const scopes: readonly Scope[] = use(MeContext)?.scopes ?? [];
  const form = useForm<Values>({ initialValues: { name: '', scopes: [], expires: '' } });
  const make = useAction(
    ({ name, scopes: chosen, expires }: Values) =>
      request<NewToken>('POST', '/api/tokens', {
        name,
        scopes: chosen,
        ...(expires === '' ? {} : { expiresAt: new Date(`${expires}T00:00:00`).toISOString() }),
      }),
    ['tokens', 'audit'],
  );
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={texts.tokens.add} centered>
      <form
        noValidate
        onSubmit={form.onSubmit((values) =>
          make.mutate(values, {
            onSuccess: (token) => {
              form.reset();
              props.onMade(token);
            },
            onError: ({ fields }) =>
              form.setErrors(
                Object.fromEntries(
                  fields.map(({ field, message }) => [field === 'expiresAt' ? 'expires' : field, message]),
                ),
              ),
          }),
        )}
      >
        <Stack>
          <TextInput
            label={texts.tokens.name}
            description={texts.tokens.nameHint}
            required
            data-autofocus
            {...form.getInputProps('name')}
          />
          <Checkbox.Group label={texts.tokens.scopes} required {...form.getInputProps('scopes')}>
            <Stack gap="xs" mt="xs">
              {scopes.map((scope) => (
                <Checkbox key={scope} value={scope} label={texts.tokens.scopeNames[scope]} />
              ))}
            </Stack>
          </Checkbox.Group>
          <TextInput
            type="date"
            label={texts.tokens.expires}
            description={texts.tokens.expiresHint}
            {...form.getInputProps('expires')}
          />
          {make.error !== null && make.error.fields.length === 0 && <FailureAlert failure={make.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {texts.common.cancel}
            </Button>
            <Button type="submit" loading={make.isPending}>
              {texts.tokens.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
