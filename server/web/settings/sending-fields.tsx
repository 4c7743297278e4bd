import {
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ReactElement } from 'react';
import { useMay } from '../me.ts';
import { texts } from '../texts.ts';
import { USUAL_PORT, type SendingValues } from './sending-values.ts';

export type SendingForm = UseFormReturnType<SendingValues>;

export function ServerFields({ form }: { readonly form: SendingForm }): ReactElement {
  const words = texts.sending;
  const isOperator = useMay('operator');
  return (
    <Fieldset legend={words.server}>
      <Stack>
        <Group align="flex-start">
          <TextInput
            flex={1}
            miw={200}
            label={texts.form.host}
            placeholder={words.hostHint}
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
            { value: 'tls', label: words.securityTls },
            { value: 'starttls', label: words.securityStarttls },
            { value: 'plain', label: texts.form.securityPlain },
          ]}
          allowDeselect={false}
          {...form.getInputProps('security')}
          onChange={(value) => {
            const next = value as SendingValues['security'];
            // A port that was chosen by hand stays.
            if (form.values.port === USUAL_PORT[form.values.security])
              form.setFieldValue('port', USUAL_PORT[next]);
            form.setFieldValue('security', next);
          }}
        />
        <Select
          label={words.protocol}
          data={[
            { value: 'smtp', label: words.protocols.smtp },
            { value: 'lmtp', label: words.protocols.lmtp },
          ]}
          allowDeselect={false}
          {...form.getInputProps('protocol')}
        />
        {isOperator && (
          <Checkbox
            label={words.verifyCertificate}
            {...form.getInputProps('verifyCertificate', { type: 'checkbox' })}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

export function LoginFields(props: {
  readonly form: SendingForm;
  /** The mailbox itself logs in with OAuth, so its permission can be used here. */
  readonly mayUseOauth: boolean;
  readonly isPasswordKept: boolean;
}): ReactElement {
  const { form, mayUseOauth, isPasswordKept } = props;
  const { authType } = form.values;
  const words = texts.sending;
  const kinds = ['password', ...(mayUseOauth || authType === 'oauth2' ? ['oauth2'] : []), 'none'] as const;
  return (
    <Fieldset legend={texts.form.login}>
      <Stack>
        <Select
          label={texts.form.authType}
          data={kinds.map((value) => ({ value, label: words.logins[value as SendingValues['authType']] }))}
          allowDeselect={false}
          {...form.getInputProps('authType')}
        />
        {authType === 'oauth2' && (
          <Text size="sm" c="dimmed">
            {words.oauthHint}
          </Text>
        )}
        {authType !== 'none' && (
          <TextInput
            label={texts.form.username}
            autoComplete="off"
            withAsterisk
            {...form.getInputProps('username')}
          />
        )}
        {authType === 'password' && (
          <PasswordInput
            label={texts.form.password}
            description={isPasswordKept ? texts.form.passwordKept : null}
            autoComplete="new-password"
            withAsterisk={!isPasswordKept}
            {...form.getInputProps('password')}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

export function IdentityFields({ form }: { readonly form: SendingForm }): ReactElement {
  const words = texts.sending;
  return (
    <Fieldset legend={words.identity}>
      <Stack>
        <TextInput
          label={words.fromName}
          description={words.fromNameHint}
          {...form.getInputProps('fromName')}
        />
        <TextInput
          label={words.fromEmail}
          description={words.fromEmailHint}
          {...form.getInputProps('fromEmail')}
        />
        <Checkbox
          label={words.plusAddressing}
          description={words.plusAddressingHint}
          {...form.getInputProps('plusAddressing', { type: 'checkbox' })}
        />
        <NumberInput
          label={words.maxPerMinute}
          min={1}
          max={100_000}
          allowDecimal={false}
          {...form.getInputProps('maxPerMinute')}
        />
      </Stack>
    </Fieldset>
  );
}

export function AcknowledgeFields({ form }: { readonly form: SendingForm }): ReactElement {
  const words = texts.sending;
  return (
    <Fieldset legend={words.acknowledgement}>
      <Stack>
        <Switch
          label={words.acknowledge}
          description={words.acknowledgeHint}
          {...form.getInputProps('acknowledge', { type: 'checkbox' })}
        />
        {form.values.acknowledge && (
          <>
            <Textarea
              label={words.acknowledgeText}
              description={words.acknowledgeTextHint}
              autosize
              minRows={4}
              maxRows={16}
              {...form.getInputProps('acknowledgeText')}
            />
            <NumberInput
              label={words.acknowledgePerHour}
              min={1}
              max={1000}
              allowDecimal={false}
              {...form.getInputProps('acknowledgePerHour')}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}
