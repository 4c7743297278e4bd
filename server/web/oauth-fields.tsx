import { Button, Checkbox, Collapse, PasswordInput, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactElement } from 'react';
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { Provider } from '../src/contracts/providers.ts';
import type { Form } from './mailbox-form-values.ts';
import { RedirectAddress } from './oauth-login.tsx';
import { texts } from './texts.ts';

/** The application as the login service knows it. Addresses of a known service are filled in and out of the way. */
export function OauthFields(props: {
  readonly form: Form;
  readonly stored: Provider | null;
  readonly preset: Autoconfig['oauth'];
}): ReactElement {
  const { form, stored, preset } = props;
  const [isOpen, addresses] = useDisclosure(preset === null && stored === null);
  const hasErrors = ['oauthAuthorizeUrl', 'oauthTokenUrl', 'oauthScopes', 'oauthIssuer'].some(
    (field) => form.errors[field] !== undefined,
  );
  const kept = (has: boolean | undefined): string | null => (has === true ? texts.form.oauthKept : null);
  return (
    <>
      {preset !== null && preset.applicationScopes !== null && (
        <LoginKind form={form} user={preset.scopes} application={preset.applicationScopes} />
      )}
      <TextInput label={texts.form.oauthClientId} withAsterisk {...form.getInputProps('oauthClientId')} />
      <PasswordInput
        label={texts.form.oauthClientSecret}
        description={kept(stored?.imap.hasOauthClientSecret)}
        autoComplete="new-password"
        {...form.getInputProps('oauthClientSecret')}
      />
      <Checkbox
        label={texts.connect.shared}
        {...form.getInputProps('oauthSharedMailbox', { type: 'checkbox' })}
      />
      <RedirectAddress />
      <Button
        variant="subtle"
        size="compact-sm"
        style={{ alignSelf: 'flex-start' }}
        aria-expanded={isOpen || hasErrors}
        onClick={addresses.toggle}
      >
        {texts.connect.addresses}
      </Button>
      <Collapse expanded={isOpen || hasErrors}>
        <Stack>
          <TextInput label={texts.form.oauthAuthorizeUrl} {...form.getInputProps('oauthAuthorizeUrl')} />
          <TextInput label={texts.form.oauthTokenUrl} withAsterisk {...form.getInputProps('oauthTokenUrl')} />
          <TextInput label={texts.form.oauthScopes} {...form.getInputProps('oauthScopes')} />
          <TextInput label={texts.connect.issuer} {...form.getInputProps('oauthIssuer')} />
          <PasswordInput
            label={texts.connect.refreshToken}
            description={kept(stored?.imap.hasOauthRefreshToken)}
            autoComplete="new-password"
            {...form.getInputProps('oauthRefreshToken')}
          />
        </Stack>
      </Collapse>
    </>
  );
}

/** Microsoft lets applications in without a user; then nobody has to log in. */
function LoginKind(props: {
  readonly form: Form;
  readonly user: string;
  readonly application: string;
}): ReactElement {
  const { form, user, application } = props;
  return (
    <SegmentedControl
      data={[
        { value: user, label: texts.connect.asUser },
        { value: application, label: texts.connect.asApplication },
      ]}
      value={form.values.oauthScopes === application ? application : user}
      onChange={(scopes) => form.setFieldValue('oauthScopes', scopes)}
    />
  );
}
