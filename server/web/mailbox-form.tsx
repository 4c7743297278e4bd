import { Button, Fieldset, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useState, type ReactElement } from 'react';
import type { TestResult } from '../src/contracts/provider-test.ts';
import type { Provider } from '../src/contracts/providers.ts';
import { request } from './api.ts';
import { isApplicationLogin } from './application-login.ts';
import { dropDraft, keepDraft, readDraft, returnedAuthorization } from './draft.ts';
import { FailureAlert } from './failure-alert.tsx';
import { ContentFields, LoginFields, ServerFields } from './mailbox-form-fields.tsx';
import {
  fromProvider,
  movesAccount,
  toBody,
  toImap,
  movesLogin,
  type MailboxValues,
} from './mailbox-form-values.ts';
import { goToLogin, LoginOutcome, useAuthorization } from './oauth-login.tsx';
import { TestSteps } from './test-steps.tsx';
import { texts } from './texts.ts';
import { useFormWork, wordsOf } from './use-form-work.ts';

/** The settings of a mailbox that is saved. */
export function MailboxForm(props: {
  readonly stored: Provider;
  readonly onSave: (body: unknown) => Promise<void>;
}): ReactElement {
  const { stored, onSave } = props;
  const [back] = useState(() => {
    const id = returnedAuthorization();
    return { id, draft: id === null ? null : readDraft(stored.id) };
  });
  const form = useForm<MailboxValues>({ initialValues: back.draft?.values ?? fromProvider(stored) });
  const work = useFormWork(form);
  const { busy, failure } = work;
  const [result, setResult] = useState<TestResult | null>(null);
  const authorization = useAuthorization(back.id);

  // Of changed settings: the login is taken over when they are saved. Of stored ones it has been already.
  const pending = back.draft !== null && authorization.data?.state === 'granted' ? authorization.data.id : '';
  useEffect(() => {
    if (pending !== '') form.setFieldValue('oauthAuthorizationId', pending);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the form is the same for ever
  }, [pending]);

  const test = (): Promise<boolean> =>
    work.run('testing', async () => {
      setResult(null);
      const path = `/api/email/providers/${stored.id}/test`;
      setResult(await request<TestResult>('POST', path, { imap: toImap(form.values) }));
    });

  const save = (values: MailboxValues): Promise<boolean> =>
    work.run('saving', async () => {
      await onSave(toBody(values));
      dropDraft(stored.id);
    });

  const logIn = (): Promise<boolean> =>
    work.run('login', async () => {
      const values = { ...form.values, oauthAuthorizationId: '' };
      const common = { providerId: stored.id, returnTo: 'editMailbox' } as const;
      dropDraft(stored.id);
      if (!movesLogin(values, stored)) return goToLogin(common);
      keepDraft(stored.id, { values, found: null });
      return goToLogin({ ...common, imap: toImap(values) });
    });

  const isPasswordKept = stored.imap.hasPassword && !movesAccount(form.values, stored);
  return (
    <form onSubmit={form.onSubmit((values) => void save(values))} noValidate>
      <Stack>
        <Fieldset legend={texts.messages.mailbox}>
          <Stack>
            <TextInput
              label={texts.form.name}
              description={texts.form.nameHint}
              withAsterisk
              {...form.getInputProps('providerName')}
            />
            <TextInput
              label={texts.form.mailbox}
              description={texts.form.mailboxHint}
              withAsterisk
              {...form.getInputProps('mailbox')}
              onBlur={() => {
                // Nearly always the same; whoever has another user name writes over it.
                if (form.values.username === '') form.setFieldValue('username', form.values.mailbox);
              }}
            />
            <Switch label={texts.form.active} {...form.getInputProps('isActive', { type: 'checkbox' })} />
          </Stack>
        </Fieldset>
        <ServerFields form={form} />
        <LoginFields form={form} stored={stored} isPasswordKept={isPasswordKept}>
          {form.values.authType === 'oauth2' && !isApplicationLogin(form.values.oauthScopes) && (
            <Stack gap="xs" align="flex-start">
              {authorization.data !== undefined && <LoginOutcome authorization={authorization.data} />}
              <Button
                variant="light"
                loading={busy === 'login'}
                disabled={busy !== null}
                onClick={() => void logIn()}
              >
                {stored.imap.hasOauthRefreshToken ? texts.connect.loginAgain : texts.connect.login}
              </Button>
            </Stack>
          )}
        </LoginFields>
        <ContentFields form={form} folders={result?.folders ?? []} />
        {result !== null && <TestSteps result={result} />}
        {failure !== null && <FailureAlert failure={wordsOf(failure)} />}
        <Group justify="space-between">
          <Button
            variant="default"
            loading={busy === 'testing'}
            disabled={busy !== null}
            onClick={() => void test()}
          >
            {texts.form.test}
          </Button>
          <Button type="submit" loading={busy === 'saving'} disabled={busy !== null}>
            {texts.common.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
