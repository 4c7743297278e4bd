import { useRef, type RefObject } from 'react';

/**
 * The button of a menu whose items open dialogs. A dialog gives the focus back to what had it when it opened, and an item of the menu is
 * gone by then: so the button has it.
 */
export function useMenuTarget(): {
  readonly target: RefObject<HTMLButtonElement | null>;
  /** For an item: opens a dialog, from the button. */
  readonly fromTarget: (open: () => void) => () => void;
} {
  const target = useRef<HTMLButtonElement>(null);
  return {
    target,
    fromTarget: (open) => () => {
      target.current?.focus();
      open();
    },
  };
}
