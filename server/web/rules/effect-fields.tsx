import { Box, Fieldset, Radio, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { RemoteSelect } from '../remote-select.tsx';
import { CLIENTS } from '../remotes.ts';
import { texts } from '../texts.ts';
import { PRIORITIES, type Priority, type RuleValues } from './rule-values.ts';

interface EffectProps {
  readonly values: RuleValues;
  readonly errors: Readonly<Record<string, string>>;
  readonly onChange: (change: Partial<RuleValues>) => void;
}

/** What happens to a mail that matches. */
export function EffectFields({ values, errors, onChange }: EffectProps): ReactElement {
  const { isSkip, isMixed } = values;
  return (
    <Fieldset legend={texts.rules.effects}>
      <Radio.Group
        aria-label={texts.rules.effects}
        value={isSkip ? 'skip' : 'ticket'}
        onChange={(value) => onChange({ isSkip: value === 'skip', isMixed: false })}
        error={errors['isSkip']}
      >
        <Stack>
          <Radio value="ticket" label={texts.rules.ticket} description={texts.rules.ticketHint} />
          {(!isSkip || isMixed) && (
            <Box pl={{ base: 0, xs: 32 }}>
              {isMixed && (
                <Text size="sm" c="dimmed" mb="xs">
                  {texts.rules.alsoOnSkip}
                </Text>
              )}
              <TicketFields values={values} errors={errors} onChange={onChange} />
            </Box>
          )}
          <Radio value="skip" label={texts.rules.skip} description={texts.rules.skipHint} />
        </Stack>
      </Radio.Group>
      {errors['actions'] !== undefined && (
        <Text size="sm" c="red" role="alert" mt="sm">
          {errors['actions']}
        </Text>
      )}
    </Fieldset>
  );
}

function TicketFields({ values, errors, onChange }: EffectProps): ReactElement {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <TextInput
        label={texts.rules.queue}
        maxLength={100}
        value={values.queue}
        onChange={(event) => onChange({ queue: event.currentTarget.value })}
        error={errors['queue']}
      />
      <RemoteSelect
        of={CLIENTS}
        label={texts.rules.client}
        none={texts.rules.noClient}
        value={values.clientId}
        onChange={(clientId) => onChange({ clientId })}
        error={errors['clientId']}
      />
      <Select
        label={texts.rules.priority}
        placeholder={texts.rules.noPriority}
        data={PRIORITIES.map((value) => ({ value, label: texts.rules.priorities[value] }))}
        clearable
        value={values.priority}
        onChange={(priority) => onChange({ priority: priority as Priority | null })}
        error={errors['priority']}
      />
      <TagsInput
        label={texts.rules.tags}
        placeholder={values.tags.length === 0 ? texts.rules.tagsHint : ''}
        acceptValueOnBlur
        value={values.tags}
        onChange={(tags) => onChange({ tags })}
        error={errors['tags']}
      />
    </SimpleGrid>
  );
}
