import { Button, Fieldset, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState, type ReactElement } from 'react';
import type { TestResult } from '../src/contracts/provider-test.ts';
import type { Provider } from '../src/contracts/providers.ts';
import { ApiFailure, request } from './api.ts';
import { FailureAlert } from './failure-alert.tsx';
import { ContentFields, LoginFields, ServerFields } from './mailbox-form-fields.tsx';
import { movesAccount, toBody, toFormErrors, toImap, type MailboxValues } from './mailbox-form-values.ts';
import { TestSteps } from './test-steps.tsx';
import { texts } from './texts.ts';

export function MailboxForm(props: {
  readonly initial: MailboxValues;
  /** Null for a mailbox that is not saved yet. */
  readonly stored: Provider | null;
  readonly onSave: (body: unknown) => Promise<void>;
}): ReactElement {
  const { initial, stored, onSave } = props;
  const form = useForm<MailboxValues>({ initialValues: initial });
  const [busy, setBusy] = useState<'testing' | 'saving' | null>(null);
  const [result, setResult] = useState<TestResult | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);

  const run = async (what: 'testing' | 'saving', work: () => Promise<void>): Promise<void> => {
    setBusy(what);
    setFailure(null);
    form.clearErrors();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      form.setErrors(toFormErrors(error.fields));
      setFailure(error);
    } finally {
      setBusy(null);
    }
  };

  const test = (): Promise<void> =>
    run('testing', async () => {
      setResult(null);
      const path = stored === null ? '/api/email/providers/test' : `/api/email/providers/${stored.id}/test`;
      setResult(await request<TestResult>('POST', path, { imap: toImap(form.values) }));
    });

  const isPasswordKept = stored !== null && stored.imap.hasPassword && !movesAccount(form.values, stored);
  return (
    <form onSubmit={form.onSubmit((values) => void run('saving', () => onSave(toBody(values))))} noValidate>
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
        <LoginFields form={form} stored={stored} isPasswordKept={isPasswordKept} />
        <ContentFields form={form} folders={result?.folders ?? []} />
        {result !== null && <TestSteps result={result} />}
        {failure !== null && (
          <FailureAlert
            failure={
              failure.fields.length > 0
                ? { message: failure.message, hint: failure.fields.map(({ message }) => message).join(' ') }
                : failure
            }
          />
        )}
        <Group justify="space-between">
          <Button
            variant="default"
            loading={busy === 'testing'}
            disabled={busy === 'saving'}
            onClick={() => void test()}
          >
            {texts.form.test}
          </Button>
          <Button type="submit" loading={busy === 'saving'} disabled={busy === 'testing'}>
            {texts.common.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
