/** Fields by which lists are filtered. */
import { Select, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { SearchIcon } from './icons.tsx';

export function SearchField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Shows the label above it instead of inside. */
  readonly isLabelled?: boolean;
}): ReactElement {
  const { label, value, onChange, isLabelled = false } = props;
  return (
    <TextInput
      flex={1}
      miw={160}
      leftSection={<SearchIcon />}
      {...(isLabelled ? { label } : { placeholder: label, 'aria-label': label })}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function ChoiceField(props: {
  readonly label: string;
  /** Shown while nothing is chosen. */
  readonly any: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
  readonly isLabelled?: boolean;
  readonly w?: number;
}): ReactElement {
  const { label, any, choices, isLabelled = false, w = 180, ...field } = props;
  return (
    <Select
      {...(isLabelled ? { label } : { 'aria-label': label })}
      placeholder={any}
      data={[...choices]}
      clearable
      w={w}
      {...field}
    />
  );
}

/** One choice for each word of a state. */
export function choicesOf<State extends string>(
  states: readonly State[],
  words: Readonly<Record<State, string>>,
): readonly { readonly value: State; readonly label: string }[] {
  return states.map((value) => ({ value, label: words[value] }));
}
