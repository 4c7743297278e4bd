import { Button, Code, Fieldset, Group, Paper, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import type { NewTenant, Tenant } from '../../src/contracts/tenants.ts';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { dateTime } from '../format.ts';
import { useMay } from '../me.ts';
import { showDone, showFailure } from '../notify.ts';
import { PageTitle } from '../page-title.tsx';
import { useOne } from '../queries.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { SecretModal } from './secret-modal.tsx';
import { TenantAdd } from './tenant-add.tsx';

/** The own tenant; and, for operators, the way to add another one. */
export function TenantPage(): ReactElement {
  const words = texts.tenant;
  const tenant = useOne<Tenant>('tenant', '/api/tenant', false);
  const mayWrite = useMay('accounts:write');
  const isOperator = useMay('operator');
  const [isAdding, setIsAdding] = useState(false);
  const [added, setAdded] = useState<NewTenant | null>(null);
  return (
    <Stack maw={720}>
      <PageTitle title={words.title} intro={words.intro}>
        {isOperator && (
          <Button variant="default" onClick={() => setIsAdding(true)}>
            {words.add}
          </Button>
        )}
      </PageTitle>
      {tenant.data !== undefined && (
        <>
          <Name tenant={tenant.data} mayWrite={mayWrite} />
          {mayWrite && <Close tenant={tenant.data} />}
        </>
      )}
      {tenant.data === undefined &&
        (tenant.isPending ? (
          <Skeleton h={200} />
        ) : (
          <FailureAlert failure={tenant.error} onRetry={() => void tenant.refetch()} />
        ))}
      <TenantAdd
        isOpen={isAdding}
        onClose={() => setIsAdding(false)}
        onAdded={(made) => {
          setIsAdding(false);
          setAdded(made);
        }}
      />
      <SecretModal
        title={words.addedTitle(added?.tenant.name ?? '')}
        text={texts.users.linkText(added?.user.displayName ?? '')}
        label={texts.users.linkLabel}
        secret={added === null ? null : `${location.origin}/password#${added.link.token}`}
        note={texts.users.linkUntil(added === null ? '' : dateTime(added.link.expiresAt))}
        onClose={() => setAdded(null)}
      />
    </Stack>
  );
}

function Name({ tenant, mayWrite }: { readonly tenant: Tenant; readonly mayWrite: boolean }): ReactElement {
  const words = texts.tenant;
  const form = useForm({ initialValues: { name: tenant.name } });
  const rename = useAction(
    (values: { name: string }) => request<Tenant>('PATCH', '/api/tenant', values),
    ['tenant', 'me', 'audit'],
  );
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) =>
        rename.mutate(values, {
          onSuccess: () => showDone(words.saved),
          onError: ({ fields }) =>
            form.setErrors(Object.fromEntries(fields.map(({ field, message }) => [field, message]))),
        }),
      )}
    >
      <Fieldset variant="unstyled" m={0} p={0} bd="none" disabled={!mayWrite}>
        <Paper withBorder p="md">
          <Stack>
            <TextInput label={words.name} description={words.nameHint} {...form.getInputProps('name')} />
            <Text size="sm" c="dimmed">
              {words.id} <Code className="wrap-anywhere">{tenant.id}</Code>
            </Text>
            <Text size="sm" c="dimmed">
              {words.since} {dateTime(tenant.createdAt)}
            </Text>
            {rename.error !== null && rename.error.fields.length === 0 && (
              <FailureAlert failure={rename.error} />
            )}
            {mayWrite && (
              <Group justify="flex-end">
                <Button type="submit" loading={rename.isPending}>
                  {texts.common.save}
                </Button>
              </Group>
            )}
          </Stack>
        </Paper>
      </Fieldset>
    </form>
  );
}

function Close({ tenant }: { readonly tenant: Tenant }): ReactElement {
  const words = texts.tenant;
  const client = useQueryClient();
  const [isAsking, setIsAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const close = useAction(() => request<void>('POST', '/api/tenant/close', { name: typed }), []);
  return (
    <Paper withBorder p="md" component="section" aria-label={words.close}>
      <Group justify="space-between">
        <Stack gap={2} flex={1} miw={220}>
          <Title order={2} size="h5">
            {words.close}
          </Title>
          <Text size="sm" c="dimmed">
            {words.closeText}
          </Text>
        </Stack>
        <Button color="red" variant="light" onClick={() => setIsAsking(true)}>
          {words.closeAction}
        </Button>
      </Group>
      <ConfirmModal
        isOpen={isAsking}
        title={words.closeTitle(tenant.name)}
        text={words.closeText}
        confirm={words.close}
        isBusy={close.isPending}
        isDisabled={typed !== tenant.name}
        onClose={() => setIsAsking(false)}
        onConfirm={() =>
          close.mutate(undefined, {
            // Nobody is logged in any more.
            onSuccess: () => void client.resetQueries(),
            onError: showFailure,
          })
        }
      >
        <TextInput
          label={words.typeName(tenant.name)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </ConfirmModal>
    </Paper>
  );
}
