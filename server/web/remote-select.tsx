import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { request, type ApiFailure } from './api.ts';
import { usePages } from './queries.ts';
import { texts } from './texts.ts';

/** Things of the server that are chosen by their name: where they are listed and searched, and read one by one. */
export interface Remote<Item extends { readonly id: string }> {
  /** First word of its queries. */
  readonly key: string;
  readonly path: string;
  readonly nameOf: (item: Item) => string;
  /** Others are not offered; one that is chosen already stays. */
  readonly isOffered?: (item: Item) => boolean;
}

/** Until its name is known. */
const UNKNOWN = '…';

/** The name of one; null while it is not known, or where there is none. */
export function useNameOf<Item extends { readonly id: string }>(
  { key, path, nameOf }: Remote<Item>,
  id: string | null,
): string | null {
  const one = useQuery<Item, ApiFailure>({
    queryKey: [key, 'one', `${path}/${id ?? ''}`],
    queryFn: () => request<Item>('GET', `${path}/${id ?? ''}`),
    enabled: id !== null,
  });
  return id === null || one.data === undefined ? null : nameOf(one.data);
}

/** One of many, searched on the server. */
export function RemoteSelect<Item extends { readonly id: string }>(props: {
  readonly of: Remote<Item>;
  readonly label: string;
  /** What nothing chosen means. */
  readonly none: string;
  readonly value: string | null;
  readonly onChange: (id: string | null) => void;
  readonly error?: string | undefined;
}): ReactElement {
  const { of, label, none, value, onChange, error } = props;
  const chosen = useNameOf(of, value);
  const [typed, setTyped] = useState('');
  // The name of what is chosen stands in the field, and is nothing that somebody seeks.
  const [sought] = useDebouncedValue(typed === (chosen ?? UNKNOWN) ? '' : typed.trim(), 250);
  const pages = usePages<Item>(of.key, of.path, { search: sought });
  const items = (pages.data?.pages ?? []).flatMap((page) => page.items).filter(of.isOffered ?? (() => true));
  const options = items.map((item) => ({ value: item.id, label: of.nameOf(item) }));
  const isListed = value === null || options.some((option) => option.value === value);
  return (
    <Select
      label={label}
      placeholder={none}
      data={isListed ? options : [{ value, label: chosen ?? UNKNOWN }, ...options]}
      // The server has found them.
      filter={({ options: found }) => found}
      nothingFoundMessage={texts.common.nothingFound}
      searchable
      clearable
      searchValue={typed}
      onSearchChange={setTyped}
      value={value}
      onChange={onChange}
      error={error}
    />
  );
}
