import { Button, Fieldset, Group, Paper, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { RuleTestResult } from '../../src/contracts/rules.ts';
import type { ApiFailure } from '../api.ts';
import { FailureAlert } from '../failure-alert.tsx';
import { RemoteSelect } from '../remote-select.tsx';
import { MAILBOXES } from '../remotes.ts';
import { texts } from '../texts.ts';
import { useAction } from '../use-action.ts';
import { wordsOf } from '../use-form-work.ts';
import { GroupFields } from './condition-fields.tsx';
import { withPart, type Condition } from './condition-values.ts';
import { EffectFields } from './effect-fields.tsx';
import { RuleSentence } from './rule-sentence.tsx';
import { TrialResult, tryRule } from './rule-trial.tsx';
import { toFormErrors, toRequest, type Request, type RuleValues } from './rule-values.ts';
import { useMayTry } from './use-may-try.ts';

interface Tried {
  readonly result: RuleTestResult;
  /** As they were tried: the form may say something else by now. */
  readonly when: Condition;
}

export function RuleForm(props: {
  readonly initial: RuleValues;
  readonly onSave: (body: Request['body']) => Promise<void>;
}): ReactElement {
  const [values, setValues] = useState(props.initial);
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [tried, setTried] = useState<Tried | null>(null);
  const trial = useRef<HTMLDivElement>(null);
  // It stands below all that was filled in.
  useEffect(() => trial.current?.scrollIntoView({ block: 'start' }), [tried]);
  const set = (change: Partial<RuleValues>): void => {
    setValues((before) => ({ ...before, ...change }));
    setErrors((before) => withoutErrors(before, Object.keys(change)));
  };
  const request = toRequest(values);
  const refuse = ({ fields }: ApiFailure): void => setErrors(toFormErrors(fields, request.fields));
  const save = useAction(props.onSave, ['rules', 'audit']);
  const attempt = useAction((body: Request['body']) => tryRule({ rule: body }), []);
  const mayTry = useMayTry();
  const isBusy = save.isPending || attempt.isPending;
  const failure = save.error ?? attempt.error;

  /** Whatever went before is over; false where nothing can be sent. */
  const begin = (): boolean => {
    const isEmpty = request.body.actions.length === 0;
    setErrors(isEmpty ? { actions: texts.rules.noEffect } : {});
    save.reset();
    attempt.reset();
    return !isEmpty;
  };

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (begin()) save.mutate(request.body, { onError: refuse });
      }}
    >
      <Stack>
        <TextInput
          label={texts.rules.name}
          description={texts.rules.nameHint}
          withAsterisk
          maxLength={100}
          value={values.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          error={errors['name']}
        />
        <Fieldset legend={texts.rules.conditions}>
          <Stack>
            <RemoteSelect
              of={MAILBOXES}
              label={texts.rules.mailbox}
              none={texts.rules.anyMailbox}
              value={values.providerId}
              onChange={(providerId) => set({ providerId })}
              error={errors['providerId']}
            />
            <GroupFields
              group={values.when}
              level={1}
              place=""
              errors={errors}
              onPart={(key, change) => set({ when: withPart(values.when, key, change) })}
              onGroup={(when) => set({ when })}
              onRemove={null}
            />
          </Stack>
        </Fieldset>
        <EffectFields values={values} errors={errors} onChange={set} />
        <Fieldset legend={texts.rules.state}>
          <Stack gap="sm">
            <Switch
              label={texts.rules.isEnabled}
              checked={values.isEnabled}
              onChange={(event) => set({ isEnabled: event.currentTarget.checked })}
            />
            <Switch
              label={texts.rules.isDryRun}
              checked={values.isDryRun}
              onChange={(event) => set({ isDryRun: event.currentTarget.checked })}
            />
            <Switch
              label={texts.rules.stopsOnMatch}
              checked={values.stopsOnMatch}
              onChange={(event) => set({ stopsOnMatch: event.currentTarget.checked })}
            />
          </Stack>
        </Fieldset>
        <Paper withBorder p="md">
          <Text size="xs" c="dimmed">
            {texts.rules.inWords}
          </Text>
          <RuleSentence rule={request.body} />
        </Paper>
        {failure !== null && <FailureAlert failure={wordsOf(failure)} />}
        <Group justify="space-between">
          {mayTry ? (
            <Button
              variant="default"
              loading={attempt.isPending}
              disabled={isBusy}
              onClick={() => {
                if (!begin()) return;
                attempt.mutate(nameless(request.body), {
                  onSuccess: (result) => setTried({ result, when: request.body.when }),
                  onError: refuse,
                });
              }}
            >
              {texts.rules.try}
            </Button>
          ) : (
            <span />
          )}
          <Button type="submit" loading={save.isPending} disabled={isBusy}>
            {texts.common.save}
          </Button>
        </Group>
        {tried !== null && <TrialResult result={tried.result} whenOf={() => tried.when} isOfMany={false} />}
      </Stack>
    </form>
  );
}

/** What is being mended is not wrong until it is looked at again. */
function withoutErrors(
  errors: Readonly<Record<string, string>>,
  changed: readonly string[],
): Readonly<Record<string, string>> {
  const isOver = (field: string): boolean =>
    changed.includes(field) || (changed.includes('when') ? field.startsWith('part.') : field === 'actions');
  return Object.fromEntries(Object.entries(errors).filter(([field]) => !isOver(field)));
}

/** A trial needs no name. */
function nameless(body: Request['body']): Request['body'] {
  return { ...body, name: body.name.trim() === '' ? '–' : body.name };
}
