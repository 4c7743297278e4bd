/** The conditions of a rule: a group of tests and of other groups. */
import {
  ActionIcon,
  Box,
  Button,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useRef, type ReactElement } from 'react';
import { CrossIcon } from '../icons.tsx';
import { texts } from '../texts.ts';
import {
  isNumberField,
  MODES,
  newGroup,
  newTest,
  NUMBER_FIELDS,
  NUMBER_OPERATORS,
  TEXT_FIELDS,
  TEXT_OPERATORS,
  UNITS,
  withField,
  type GroupValues,
  type Mode,
  type Operator,
  type PartValues,
  type TestValues,
  type Unit,
} from './condition-values.ts';
import { partField } from './rule-values.ts';

/** Groups in groups in groups: more nobody understands. */
const MAX_GROUPS = 3;

interface PartProps {
  /** Such as `2.1`; empty for the outermost group. */
  readonly place: string;
  readonly errors: Readonly<Record<string, string>>;
  /** Changes a part by its key, or takes it away. */
  readonly onPart: (key: number, change: (part: PartValues) => PartValues | null) => void;
}

export function GroupFields(
  props: PartProps & {
    readonly group: GroupValues;
    /** 1 for the outermost. */
    readonly level: number;
    readonly onGroup: (group: GroupValues) => void;
    /** Null where it has to stay. */
    readonly onRemove: (() => void) | null;
  },
): ReactElement {
  const { group, level, place, errors, onPart, onGroup, onRemove } = props;
  const addButton = useRef<HTMLButtonElement>(null);
  const error = errors[partField(group.key)];
  const add = (part: PartValues): void => onGroup({ ...group, parts: [...group.parts, part] });
  // What has the focus is gone then; the next best is what adds another one.
  const remove = (part: PartValues): void => {
    onPart(part.key, () => null);
    addButton.current?.focus();
  };
  const canRemove = level > 1 || group.parts.length > 1;
  return (
    <Stack gap="sm">
      <Group wrap="nowrap" justify="space-between" gap="xs">
        <Select
          flex={1}
          maw={320}
          aria-label={place === '' ? texts.rules.conditions : texts.rules.group(place)}
          data={MODES.map((value) => ({ value, label: texts.rules.modes[value] }))}
          allowDeselect={false}
          value={group.mode}
          onChange={(mode) => onGroup({ ...group, mode: mode as Mode })}
        />
        {onRemove !== null && <Remover what={texts.rules.group(place)} onRemove={onRemove} />}
      </Group>
      {group.parts.map((part, at) => {
        const inner = place === '' ? String(at + 1) : `${place}.${at + 1}`;
        const onRemovePart = canRemove ? () => remove(part) : null;
        return part.kind === 'test' ? (
          <TestFields
            key={part.key}
            test={part}
            place={inner}
            errors={errors}
            onChange={(test) => onPart(part.key, () => test)}
            onRemove={onRemovePart}
          />
        ) : (
          <Fieldset key={part.key} aria-label={texts.rules.group(inner)} p="sm">
            <GroupFields
              group={part}
              level={level + 1}
              place={inner}
              errors={errors}
              onPart={onPart}
              onGroup={(next) => onPart(part.key, () => next)}
              onRemove={onRemovePart}
            />
          </Fieldset>
        );
      })}
      {error !== undefined && (
        <Text size="sm" c="red" role="alert">
          {error}
        </Text>
      )}
      <Group gap="xs">
        <Button ref={addButton} variant="light" size="xs" onClick={() => add(newTest())}>
          {texts.rules.addCondition}
        </Button>
        {level < MAX_GROUPS && (
          <Button
            variant="subtle"
            size="xs"
            onClick={() => add(newGroup(group.mode === 'all' ? 'any' : 'all'))}
          >
            {texts.rules.addGroup}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Remover(props: { readonly what: string; readonly onRemove: () => void }): ReactElement {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={texts.rules.remove(props.what)}
      onClick={props.onRemove}
    >
      <CrossIcon />
    </ActionIcon>
  );
}

interface TestProps {
  readonly test: TestValues;
  readonly errors: Readonly<Record<string, string>>;
  readonly onChange: (test: TestValues) => void;
}

function TestFields(
  props: TestProps & { readonly place: string; readonly onRemove: (() => void) | null },
): ReactElement {
  const { test, place, errors, onChange, onRemove } = props;
  return (
    <Fieldset variant="unstyled" aria-label={texts.rules.condition(place)}>
      <Group wrap="nowrap" align="flex-start" gap="xs">
        <Stack gap={6} flex={1} miw={0}>
          <Group align="flex-start" gap="xs">
            <Box flex="1 1 190px">
              <FieldSelect test={test} errors={errors} onChange={onChange} />
            </Box>
            <Box flex="1 1 170px">
              <OperatorSelect test={test} errors={errors} onChange={onChange} />
            </Box>
            <Box flex="2 1 200px">
              {isNumberField(test.field) ? (
                <NumberValue test={test} errors={errors} onChange={onChange} />
              ) : (
                <TextValue test={test} errors={errors} onChange={onChange} />
              )}
            </Box>
          </Group>
          {!isNumberField(test.field) && (
            <Checkbox
              size="xs"
              label={texts.rules.exactCase}
              checked={test.isCaseSensitive}
              onChange={(event) => onChange({ ...test, isCaseSensitive: event.currentTarget.checked })}
            />
          )}
        </Stack>
        {onRemove !== null && <Remover what={texts.rules.condition(place)} onRemove={onRemove} />}
      </Group>
    </Fieldset>
  );
}

function FieldSelect({ test, errors, onChange }: TestProps): ReactElement {
  const headerError = errors[`${partField(test.key)}.name`];
  return (
    <Stack gap={6}>
      <Select
        aria-label={texts.rules.field}
        data={[...TEXT_FIELDS, ...NUMBER_FIELDS].map((value) => ({
          value,
          label: texts.rules.fields[value],
        }))}
        allowDeselect={false}
        value={test.field}
        onChange={(field) => onChange(withField(test, field as TestValues['field']))}
      />
      {test.field === 'header' && (
        <TextInput
          aria-label={texts.rules.header}
          placeholder={texts.rules.headerHint}
          value={test.header}
          onChange={(event) => onChange({ ...test, header: event.currentTarget.value })}
          error={headerError}
        />
      )}
    </Stack>
  );
}

/** An operator and whether it is turned around, as one choice. */
function OperatorSelect({ test, onChange }: TestProps): ReactElement {
  const operators: readonly Operator[] = isNumberField(test.field) ? NUMBER_OPERATORS : TEXT_OPERATORS;
  return (
    <Select
      aria-label={texts.rules.operator}
      data={[
        ...operators.map((value) => ({ value: `is ${value}`, label: texts.rules.is[value] })),
        ...operators.map((value) => ({ value: `not ${value}`, label: texts.rules.isNot[value] })),
      ]}
      allowDeselect={false}
      value={`${test.isNot ? 'not' : 'is'} ${test.operator}`}
      onChange={(value) => {
        const [isNot, operator] = (value ?? '').split(' ');
        onChange({ ...test, isNot: isNot === 'not', operator: operator as Operator });
      }}
    />
  );
}

function TextValue({ test, errors, onChange }: TestProps): ReactElement {
  return (
    <TextInput
      aria-label={texts.rules.value}
      placeholder={texts.rules.value}
      {...(test.operator === 'matches' ? { description: texts.rules.expressionHint } : {})}
      inputWrapperOrder={['input', 'description', 'error']}
      value={test.text}
      onChange={(event) => onChange({ ...test, text: event.currentTarget.value })}
      error={errors[partField(test.key)]}
    />
  );
}

function NumberValue({ test, errors, onChange }: TestProps): ReactElement {
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs">
      <NumberInput
        flex={1}
        aria-label={texts.rules.value}
        min={0}
        value={test.amount}
        onChange={(amount) => onChange({ ...test, amount })}
        error={errors[partField(test.key)]}
      />
      {test.field === 'size' && (
        <Select
          w={96}
          aria-label={texts.rules.unit}
          data={UNITS.map((unit) => ({ value: String(unit), label: texts.rules.units[unit] }))}
          allowDeselect={false}
          value={String(test.unit)}
          onChange={(unit) => onChange({ ...test, unit: Number(unit) as Unit })}
        />
      )}
    </Group>
  );
}
