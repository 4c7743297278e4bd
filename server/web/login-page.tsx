import { Button, Center, Group, Image, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactElement } from 'react';
import { FailureAlert } from './failure-alert.tsx';
import icon from './icon.svg';
import { LanguageSwitch } from './language-switch.tsx';
import { useLogin } from './queries.ts';
import { texts } from './texts.ts';

/** The same function each time, so that typing elsewhere does not pull the focus back. */
function focusOnce(input: HTMLInputElement | null): void {
  input?.focus();
}

export function LoginPage(): ReactElement {
  const login = useLogin();
  const form = useForm({ initialValues: { email: '', password: '' } });
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400}>
        <form onSubmit={form.onSubmit((values) => login.mutate(values))}>
          <Stack>
            <Group justify="space-between" wrap="nowrap">
              <Group gap="sm" wrap="nowrap">
                <Image src={icon} w={32} h={32} alt="" />
                <Title order={1} size="h2">
                  {texts.product}
                </Title>
              </Group>
              <LanguageSwitch />
            </Group>
            {login.error !== null && <FailureAlert failure={login.error} />}
            <TextInput
              label={texts.login.email}
              type="email"
              autoComplete="username"
              required
              // The one thing to do on this page.
              ref={focusOnce}
              {...form.getInputProps('email')}
            />
            <PasswordInput
              label={texts.login.password}
              autoComplete="current-password"
              required
              {...form.getInputProps('password')}
            />
            <Button type="submit" loading={login.isPending} fullWidth mt="xs">
              {texts.login.submit}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
