import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';

type Values = Readonly<Record<string, string | null>>;

/** What a list is filtered by. */
export interface FilterState<Fields extends Values> {
  /** As it is typed. */
  readonly values: Fields;
  /** As it is asked for: a moment later, without blanks around it. */
  readonly sought: Fields;
  readonly isUsed: boolean;
  set(change: Partial<Fields>): void;
  clear(): void;
}

/** @param none the filter that lets everything through; the same object each time */
export function useFilter<Fields extends Values>(none: Fields): FilterState<Fields> {
  const [values, setValues] = useState(none);
  const [typed] = useDebouncedValue(values, 250);
  const sought = Object.fromEntries(
    Object.entries(typed).map(([name, value]) => [name, value?.trim() ?? null]),
  ) as Fields;
  return {
    values,
    sought,
    isUsed: JSON.stringify(sought) !== JSON.stringify(none),
    set: (change) => setValues((before) => ({ ...before, ...change })),
    clear: () => setValues(none),
  };
}
