import { Button, Fieldset, Group, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState, type ReactElement } from 'react';
import type { Smtp, SmtpTestResult } from '../../src/contracts/outbound.ts';
import type { Provider } from '../../src/contracts/providers.ts';
import { request } from '../api.ts';
import { ConfirmModal } from '../confirm-modal.tsx';
import { FailureAlert } from '../failure-alert.tsx';
import { showDone, showFailure } from '../notify.ts';
import { StepList } from '../test-steps.tsx';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { useFormWork, wordsOf } from '../use-form-work.ts';
import { AcknowledgeFields, IdentityFields, LoginFields, ServerFields } from './sending-fields.tsx';
import { fromSmtp, keepsPassword, suggested, toBody, type SendingValues } from './sending-values.ts';

export function SendingForm(props: {
  readonly provider: Provider;
  readonly stored: Smtp | null;
  readonly mayWrite: boolean;
  /** The settings have changed: they are to be read again. */
  readonly onChanged: () => Promise<void>;
}): ReactElement {
  const { provider, stored, mayWrite, onChanged } = props;
  const path = `/api/email/providers/${provider.id}/smtp`;
  const form = useForm<SendingValues>({
    initialValues: stored === null ? suggested(provider) : fromSmtp(stored),
  });
  const work = useFormWork(form);
  const { busy, failure } = work;
  const [result, setResult] = useState<SmtpTestResult | null>(null);

  const test = (): Promise<boolean> =>
    work.run('testing', async () => {
      setResult(null);
      setResult(await request<SmtpTestResult>('POST', `${path}/test`, toBody(form.values)));
    });
  const save = (values: SendingValues): Promise<boolean> =>
    work.run('saving', async () => {
      await request<Smtp>('PUT', path, toBody(values));
      showDone(texts.sending.saved(provider.providerName));
      await onChanged();
    });

  return (
    <form onSubmit={form.onSubmit((values) => void save(values))} noValidate>
      <Fieldset variant="unstyled" m={0} p={0} bd="none" disabled={!mayWrite}>
        <Stack>
          <ServerFields form={form} />
          <LoginFields
            form={form}
            mayUseOauth={provider.imap.authType === 'oauth2'}
            isPasswordKept={keepsPassword(form.values, stored)}
          />
          <IdentityFields form={form} />
          <AcknowledgeFields form={form} />
          {result !== null && <StepList isOk={result.ok} steps={result.steps} />}
          {failure !== null && <FailureAlert failure={wordsOf(failure)} />}
          {mayWrite && (
            <Group justify="space-between">
              <Group gap="sm">
                <Button
                  variant="default"
                  loading={busy === 'testing'}
                  disabled={busy !== null}
                  onClick={() => void test()}
                >
                  {texts.form.test}
                </Button>
                {stored !== null && <RemoveButton path={path} provider={provider} onRemoved={onChanged} />}
              </Group>
              <Button type="submit" loading={busy === 'saving'} disabled={busy !== null}>
                {texts.common.save}
              </Button>
            </Group>
          )}
        </Stack>
      </Fieldset>
    </form>
  );
}

function RemoveButton(props: {
  readonly path: string;
  readonly provider: Provider;
  readonly onRemoved: () => Promise<void>;
}): ReactElement {
  const words = texts.sending;
  const [isAsking, setIsAsking] = useState(false);
  const remove = useAction(() => request<void>('DELETE', props.path), []);
  return (
    <>
      <Button variant="subtle" color="red" onClick={() => setIsAsking(true)}>
        {words.remove}
      </Button>
      <ConfirmModal
        isOpen={isAsking}
        title={words.removeTitle(props.provider.providerName)}
        text={words.removeText}
        confirm={words.removeConfirm}
        isBusy={remove.isPending}
        onClose={() => setIsAsking(false)}
        onConfirm={() =>
          remove.mutate(undefined, {
            onSuccess: () => {
              showDone(words.removed(props.provider.providerName));
              void props.onRemoved();
            },
            onError: showFailure,
            onSettled: () => setIsAsking(false),
          })
        }
      />
    </>
  );
}
