import { ActionIcon, Menu } from '@mantine/core';
import type { ReactElement, ReactNode, Ref } from 'react';
import { DotsIcon } from './icons.tsx';

/** The three dots beside a thing, with what can be done to it: `Menu.Item`s. */
export function ActionMenu({
  label,
  isBusy = false,
  ref,
  children,
}: {
  /** Says which thing. */
  readonly label: string;
  readonly isBusy?: boolean;
  /** Gets the button. */
  readonly ref: Ref<HTMLButtonElement>;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon ref={ref} variant="subtle" color="gray" loading={isBusy} aria-label={label}>
          <DotsIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
