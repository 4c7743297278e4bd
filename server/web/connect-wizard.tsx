/** Adding a mailbox in steps: address, login, test, folders. Nothing is saved before the last one. */
import { Button, Group, Stack, Stepper } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { TestResult } from '../src/contracts/provider-test.ts';
import { request, withQuery } from './api.ts';
import { AddressStep, LoginStep, TestStepPage, WhatStep } from './connect-steps.tsx';
import { dropDraft, keepDraft, readDraft, returnedAuthorization, type Draft } from './draft.ts';
import { FailureAlert } from './failure-alert.tsx';
import { EMPTY, toBody, toImap, withFound, type MailboxValues } from './mailbox-form-values.ts';
import { goToLogin, useAuthorization } from './oauth-login.tsx';
import { texts } from './texts.ts';
import { useFormWork, wordsOf } from './use-form-work.ts';

const STEPS = ['address', 'login', 'test', 'what'] as const;

export function ConnectWizard(props: { readonly onSave: (body: unknown) => Promise<void> }): ReactElement {
  const [back] = useState<{ readonly id: string | null; readonly draft: Draft | null }>(() => {
    const id = returnedAuthorization();
    return { id, draft: id === null ? null : readDraft('new') };
  });
  const form = useForm<MailboxValues>({ initialValues: back.draft?.values ?? EMPTY });
  const work = useFormWork(form);
  const [step, setStep] = useState(back.draft === null ? 0 : 1);
  const [found, setFound] = useState<Autoconfig | null>(back.draft?.found ?? null);
  const [result, setResult] = useState<TestResult | null>(null);
  const authorization = useAuthorization(back.draft === null ? null : back.id);
  const { values } = form;

  const find = (): Promise<boolean> =>
    work.run('find', async () => {
      const email = values.mailbox.trim();
      const settings = await request<Autoconfig>('GET', withQuery('/api/email/autoconfig', { email }));
      setFound(settings);
      form.setValues(
        withFound({ ...values, mailbox: email, providerName: values.providerName || email }, settings),
      );
      setStep(1);
    });

  const test = (): Promise<boolean> =>
    work.run('test', async () => {
      setResult(null);
      setStep(2);
      setResult(
        await request<TestResult>('POST', '/api/email/providers/test', {
          imap: { ...toImap(form.getValues()), folderFilters: [] },
        }),
      );
    });

  /** A refused field is on the page before. */
  const testOrReturn = async (): Promise<void> => {
    if (!(await test())) setStep(1);
  };

  const logIn = (): Promise<boolean> =>
    work.run('login', async () => {
      keepDraft('new', { values: { ...values, oauthAuthorizationId: '' }, found });
      await goToLogin({ imap: toImap({ ...values, oauthAuthorizationId: '' }), returnTo: 'newMailbox' });
    });

  const save = (): Promise<boolean> =>
    work.run('save', async () => {
      await props.onSave(toBody(form.getValues()));
      dropDraft('new');
    });

  // Back from a login that worked: its tokens are tried at once.
  const granted = authorization.data?.state === 'granted' ? authorization.data.id : null;
  const tried = useRef(false);
  useEffect(() => {
    if (granted === null || tried.current) return;
    tried.current = true;
    form.setFieldValue('oauthAuthorizationId', granted);
    void testOrReturn();
  });

  const isLost = back.id !== null && back.draft === null;
  return (
    <Stack>
      <Stepper
        active={step}
        size="sm"
        allowNextStepsSelect={false}
        onStepClick={setStep}
        wrap={false}
        className="steps"
      >
        {STEPS.map((name) => (
          <Stepper.Step key={name} label={texts.connect.steps[name]} />
        ))}
      </Stepper>
      {isLost && step === 0 && <FailureAlert failure={{ message: texts.connect.sessionLost, hint: '' }} />}
      {step === 0 && <AddressStep form={form} isBusy={work.busy !== null} onSubmit={() => void find()} />}
      {step === 1 && (
        <LoginStep
          form={form}
          found={found}
          authorization={authorization.data ?? null}
          isBusy={work.busy !== null}
          onLogIn={() => void logIn()}
          onContinue={() => void testOrReturn()}
          onSkip={() => setStep(3)}
        />
      )}
      {step === 2 && (
        <TestStepPage
          authorization={granted === null ? null : (authorization.data ?? null)}
          result={result}
          isBusy={work.busy !== null}
          onAgain={() => void testOrReturn()}
          onContinue={() => setStep(3)}
        />
      )}
      {step === 3 && (
        <WhatStep form={form} result={result} isBusy={work.busy !== null} onSubmit={() => void save()} />
      )}
      {work.failure !== null && <FailureAlert failure={wordsOf(work.failure)} />}
      {step > 0 && (
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            disabled={work.busy !== null}
            onClick={() => {
              work.clear();
              setStep(step - 1);
            }}
          >
            ← {texts.connect.previous}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
