import { Alert, Anchor, Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useState, type ReactElement } from 'react';
import { request, type ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { PageTitle } from '../page-title.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';

const fieldErrors = ({ fields }: ApiFailure): Record<string, string> =>
  Object.fromEntries(fields.map(({ field, message }) => [field, message]));

/** Reached by a link; its token is behind the #, which no server ever sees in an address. */
export function SetPasswordPage(): ReactElement {
  const [token] = useState(() => location.hash.slice(1));
  // Taken out of the address at once, so that it stays in no history.
  useEffect(() => history.replaceState(null, '', location.pathname), []);
  const form = useForm({ initialValues: { password: '' } });
  const set = useAction(
    ({ password }: { password: string }) =>
      request<void>('POST', '/api/auth/password-link', { token, password }),
    [],
  );
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={420}>
        <Stack>
          <Title order={1} size="h2">
            {texts.password.setTitle}
          </Title>
          {token === '' && <Alert color="yellow">{texts.password.noLink}</Alert>}
          {set.isSuccess ? (
            <>
              <Text>{texts.password.done}</Text>
              <Anchor href="/">{texts.password.toLogin}</Anchor>
            </>
          ) : (
            <form
              noValidate
              onSubmit={form.onSubmit((values) =>
                set.mutate(values, { onError: (failure) => form.setErrors(fieldErrors(failure)) }),
              )}
            >
              <Stack>
                {set.error !== null && set.error.fields.length === 0 && <FailureAlert failure={set.error} />}
                <PasswordInput
                  label={texts.password.newPassword}
                  description={texts.password.hint}
                  autoComplete="new-password"
                  required
                  {...form.getInputProps('password')}
                />
                <Button type="submit" loading={set.isPending} disabled={token === ''} fullWidth>
                  {texts.password.set}
                </Button>
              </Stack>
            </form>
          )}
        </Stack>
      </Paper>
    </Center>
  );
}

export function ChangePasswordPage(): ReactElement {
  const form = useForm({ initialValues: { currentPassword: '', password: '' } });
  const change = useAction(
    (values: { currentPassword: string; password: string }) =>
      request<void>('POST', '/api/auth/password', values),
    [],
  );
  return (
    <Stack maw={480}>
      <PageTitle title={texts.password.changeTitle} />
      <form
        noValidate
        onSubmit={form.onSubmit((values) =>
          change.mutate(values, {
            onSuccess: () => form.reset(),
            onError: (failure) => form.setErrors(fieldErrors(failure)),
          }),
        )}
      >
        <Stack>
          {change.isSuccess && <Alert color="teal">{texts.password.changed}</Alert>}
          {change.error !== null && change.error.fields.length === 0 && (
            <FailureAlert failure={change.error} />
          )}
          <PasswordInput
            label={texts.password.current}
            autoComplete="current-password"
            required
            {...form.getInputProps('currentPassword')}
          />
          <PasswordInput
            label={texts.password.newPassword}
            description={texts.password.hint}
            autoComplete="new-password"
            required
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={change.isPending}>
            {texts.password.change}
          </Button>
        </Stack>
      </form>
    </Stack>
  );
}
