import {
  Fieldset,
  Group,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Select,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import type { Autoconfig } from '../src/contracts/autoconfig.ts';
import type { MailFolder } from '../src/contracts/provider-test.ts';
import type { Provider } from '../src/contracts/providers.ts';
import { FolderPicker } from './folder-picker.tsx';
import type { Form, MailboxValues } from './mailbox-form-values.ts';
import { OauthFields } from './oauth-fields.tsx';
import { texts } from './texts.ts';

const USUAL_PORT = { tls: 993, starttls: 143, plain: 143 } as const;

export function ServerFields({ form }: { readonly form: Form }): ReactElement {
  const security = form.getInputProps('security');
  return (
    <Fieldset legend={texts.form.server}>
      <Stack>
        <Group align="flex-start">
          <TextInput
            flex={1}
            miw={200}
            label={texts.form.host}
            placeholder={texts.form.hostHint}
            withAsterisk
            {...form.getInputProps('host')}
          />
          <NumberInput
            w={110}
            label={texts.form.port}
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            withAsterisk
            {...form.getInputProps('port')}
          />
        </Group>
        <Select
          label={texts.form.security}
          data={[
            { value: 'tls', label: texts.form.securityTls },
            { value: 'starttls', label: texts.form.securityStarttls },
            { value: 'plain', label: texts.form.securityPlain },
          ]}
          allowDeselect={false}
          {...security}
          onChange={(value) => {
            const next = value as MailboxValues['security'];
            // A port that was chosen by hand stays.
            if (form.values.port === USUAL_PORT[form.values.security])
              form.setFieldValue('port', USUAL_PORT[next]);
            form.setFieldValue('security', next);
          }}
        />
      </Stack>
    </Fieldset>
  );
}

export function LoginFields(props: {
  readonly form: Form;
  readonly stored: Provider | null;
  readonly isPasswordKept: boolean;
  /** Of a known service: then its addresses need not be looked at. */
  readonly preset?: Autoconfig['oauth'];
  readonly children?: ReactNode;
}): ReactElement {
  const { form, stored, isPasswordKept, preset = null } = props;
  const isErased = stored !== null && stored.imap.hasPassword && !isPasswordKept;
  return (
    <Fieldset legend={texts.form.login}>
      <Stack>
        <SegmentedControl
          aria-label={texts.form.authType}
          data={[
            { value: 'password', label: texts.form.authPassword },
            { value: 'oauth2', label: texts.form.authOauth },
          ]}
          {...form.getInputProps('authType')}
        />
        <TextInput
          label={texts.form.username}
          autoComplete="off"
          withAsterisk
          {...form.getInputProps('username')}
        />
        {form.values.authType === 'password' ? (
          <PasswordInput
            label={texts.form.password}
            description={
              isPasswordKept ? texts.form.passwordKept : isErased ? texts.form.passwordErased : null
            }
            autoComplete="new-password"
            withAsterisk={!isPasswordKept}
            {...form.getInputProps('password')}
          />
        ) : (
          <OauthFields form={form} stored={stored} preset={preset} />
        )}
        {props.children}
      </Stack>
    </Fieldset>
  );
}

export function ContentFields(props: {
  readonly form: Form;
  /** As the mail server listed them in the last test. */
  readonly folders: readonly MailFolder[];
}): ReactElement {
  const { form, folders } = props;
  return (
    <Fieldset legend={texts.form.what}>
      <Stack>
        {folders.length > 0 ? (
          <FolderPicker
            folders={folders}
            isCut={false}
            chosen={form.values.folders}
            onChange={(names) => form.setFieldValue('folders', names)}
          />
        ) : (
          <TagsInput
            label={texts.form.folders}
            description={texts.form.foldersHint}
            // A comma is a letter of folder names.
            splitChars={[]}
            acceptValueOnBlur
            {...form.getInputProps('folders')}
          />
        )}
        <StartFields form={form} hint={texts.form.startHint} />
      </Stack>
    </Fieldset>
  );
}

export function StartFields({ form, hint }: { readonly form: Form; readonly hint: string }): ReactElement {
  return (
    <>
      <Select
        label={texts.form.startFrom}
        description={hint}
        data={[
          { value: 'now', label: texts.form.startNow },
          { value: 'last', label: texts.form.startLast },
          { value: 'since', label: texts.form.startSince },
        ]}
        allowDeselect={false}
        {...form.getInputProps('startKind')}
      />
      {form.values.startKind === 'last' && (
        <NumberInput
          label={texts.form.startCount}
          min={1}
          max={100_000}
          allowDecimal={false}
          {...form.getInputProps('startCount')}
        />
      )}
      {form.values.startKind === 'since' && (
        <TextInput type="date" label={texts.form.startDate} {...form.getInputProps('startDate')} />
      )}
    </>
  );
}
