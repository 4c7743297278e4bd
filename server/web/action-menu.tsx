import { ActionIcon, Menu } from '@mantine/core';
import type { ReactElement, ReactNode, RefObject } from 'react';
import { DotsIcon } from './icons.tsx';

/** The three dots beside a thing, with what can be done to it: `Menu.Item`s. */
export function ActionMenu(props: {
  /** Says which thing. */
  readonly label: string;
  readonly isBusy?: boolean;
  readonly target: RefObject<HTMLButtonElement | null>;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          ref={props.target}
          variant="subtle"
          color="gray"
          loading={props.isBusy ?? false}
          aria-label={props.label}
        >
          <DotsIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{props.children}</Menu.Dropdown>
    </Menu>
  );
}
