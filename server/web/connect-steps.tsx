/** The four pages of adding a mailbox. */
import { Alert, Button, Collapse, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { FormEvent, ReactElement } from 'react';
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { Authorization } from '../src/contracts/oauth.ts';
import type { TestResult } from '../src/contracts/provider-test.ts';
import { isApplicationLogin } from './application-login.ts';
import { FolderPicker } from './folder-picker.tsx';
import { ContentFields, LoginFields, ServerFields, StartFields } from './mailbox-form-fields.tsx';
import type { Form } from './mailbox-form-values.ts';
import { LoginOutcome } from './oauth-login.tsx';
import { StepsSkeleton, TestSteps } from './test-steps.tsx';
import { said, texts } from './texts.ts';

/** Enter goes on, as people expect of a form. */
function submitting(go: () => void): (event: FormEvent) => void {
  return (event) => {
    event.preventDefault();
    go();
  };
}

export function AddressStep(props: {
  readonly form: Form;
  readonly isBusy: boolean;
  readonly onSubmit: () => void;
}): ReactElement {
  const { form, isBusy } = props;
  return (
    <form onSubmit={submitting(props.onSubmit)} noValidate>
      <Stack>
        <TextInput
          label={texts.form.mailbox}
          description={texts.connect.addressHint}
          type="email"
          withAsterisk
          {...form.getInputProps('mailbox')}
          error={form.errors['mailbox'] ?? form.errors['email']}
        />
        <Button type="submit" loading={isBusy} style={{ alignSelf: 'flex-start' }}>
          {texts.connect.find}
        </Button>
      </Stack>
    </form>
  );
}

export function LoginStep(props: {
  readonly form: Form;
  readonly found: Autoconfig | null;
  readonly authorization: Authorization | null;
  readonly isBusy: boolean;
  readonly onLogIn: () => void;
  readonly onContinue: () => void;
  readonly onSkip: () => void;
}): ReactElement {
  const { form, found, authorization, isBusy, onLogIn, onContinue, onSkip } = props;
  const isOauth = form.values.authType === 'oauth2';
  const isApplication = isApplicationLogin(form.values.oauthScopes);
  const hasLogin =
    !isOauth ||
    isApplication ||
    form.values.oauthAuthorizationId !== '' ||
    form.values.oauthRefreshToken !== '';
  const service = found?.service?.name ?? null;
  return (
    <form onSubmit={submitting(hasLogin ? onContinue : onLogIn)} noValidate>
      <Stack>
        {found !== null && <FoundAlert found={found} />}
        <Server form={form} isKnown={found !== null && found.settings !== null} />
        <LoginFields form={form} stored={null} isPasswordKept={false} preset={found?.oauth ?? null} />
        {authorization !== null && <LoginOutcome authorization={authorization} />}
        {isOauth && !isApplication && (
          <Text size="sm" c="dimmed">
            {texts.connect.loginHint}
          </Text>
        )}
        <Group>
          {isOauth && !isApplication && (
            <Button
              variant={hasLogin ? 'default' : 'filled'}
              type={hasLogin ? 'button' : 'submit'}
              loading={isBusy}
              {...(hasLogin ? { onClick: onLogIn } : {})}
            >
              {hasLogin
                ? texts.connect.loginAgain
                : service === null
                  ? texts.connect.login
                  : texts.connect.loginWith(service)}
            </Button>
          )}
          {hasLogin && (
            <Button type="submit" loading={isBusy}>
              {texts.connect.next}
            </Button>
          )}
          {!hasLogin && (
            <Button variant="subtle" onClick={onSkip}>
              {texts.connect.ownerLater}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function FoundAlert({ found }: { readonly found: Autoconfig }): ReactElement {
  const { source, service, hintText } = found;
  const words = texts.connect.found;
  const title = source === 'preset' || source === 'mx' ? words[source](service?.name ?? '') : words[source];
  return (
    <output className="block">
      <Alert color={source === 'none' ? 'yellow' : 'blue'} variant="light" title={title}>
        {hintText !== null && <Text size="sm">{said(hintText)}</Text>}
      </Alert>
    </output>
  );
}

/** Found settings are one line, until somebody wants to change them. */
function Server({ form, isKnown }: { readonly form: Form; readonly isKnown: boolean }): ReactElement {
  const [isOpen, fields] = useDisclosure(!isKnown);
  const hasErrors = ['host', 'port', 'security'].some((field) => form.errors[field] !== undefined);
  const { host, port, security } = form.values;
  if (isOpen || hasErrors) return <ServerFields form={form} />;
  return (
    <Collapse expanded>
      <Fieldset legend={texts.form.server}>
        <Group justify="space-between">
          <Text size="sm">
            {host}:{port} · {texts.connect.chooseSecurity[security]}
          </Text>
          <Button variant="subtle" size="compact-sm" onClick={fields.open}>
            {texts.connect.change}
          </Button>
        </Group>
      </Fieldset>
    </Collapse>
  );
}

export function TestStepPage(props: {
  /** Of a login that worked. */
  readonly authorization: Authorization | null;
  readonly result: TestResult | null;
  readonly isBusy: boolean;
  readonly onAgain: () => void;
  readonly onContinue: () => void;
}): ReactElement {
  const { authorization, result, isBusy, onAgain, onContinue } = props;
  return (
    <Stack>
      {authorization !== null && <LoginOutcome authorization={authorization} />}
      {isBusy && <StepsSkeleton />}
      {result !== null && <TestSteps result={result} />}
      <Group>
        <Button variant="default" disabled={isBusy} onClick={onAgain}>
          {texts.connect.testAgain}
        </Button>
        <Button disabled={isBusy || result?.ok !== true} onClick={onContinue}>
          {texts.connect.next}
        </Button>
      </Group>
    </Stack>
  );
}

export function WhatStep(props: {
  readonly form: Form;
  /** Null where nobody has logged in yet: then folders are typed. */
  readonly result: TestResult | null;
  readonly isBusy: boolean;
  readonly onSubmit: () => void;
}): ReactElement {
  const { form, result, isBusy } = props;
  return (
    <form onSubmit={submitting(props.onSubmit)} noValidate>
      <Stack>
        <TextInput
          label={texts.form.name}
          description={texts.form.nameHint}
          withAsterisk
          {...form.getInputProps('providerName')}
        />
        {result === null ? (
          <ContentFields form={form} folders={[]} />
        ) : (
          <Fieldset legend={texts.form.what}>
            <Stack>
              <FolderPicker
                folders={result.folders}
                isCut={result.foldersCut}
                chosen={form.values.folders}
                onChange={(names) => form.setFieldValue('folders', names)}
              />
              <StartFields form={form} hint={texts.connect.startHint} />
            </Stack>
          </Fieldset>
        )}
        <Button type="submit" loading={isBusy} style={{ alignSelf: 'flex-start' }}>
          {texts.common.save}
        </Button>
      </Stack>
    </form>
  );
}
