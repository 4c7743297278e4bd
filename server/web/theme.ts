/** Colours and manners of the component library; every text on every ground has a contrast of at least 4.5 to 1 (WCAG AA). */
import {
  Badge,
  createTheme,
  Drawer,
  Menu,
  Modal,
  NavLink,
  Notification,
  TableScrollContainer,
  type CSSVariablesResolver,
} from '@mantine/core';
import { texts } from './texts.ts';

const closeButtonProps = { 'aria-label': texts.common.close };

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // A state of which only two letters are seen says nothing.
    Badge: Badge.extend({ styles: { root: { minWidth: 'max-content' } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps } }),
    // Its placeholder for the focus is no menu item, which is all that a menu may hold.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps } }),
    // A table that is wider than the screen is moved with the arrow keys too.
    TableScrollContainer: TableScrollContainer.extend({
      defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 }, offsetScrollbars: 'present' } },
    }),
    NavLink: NavLink.extend({ styles: { root: { borderRadius: 'var(--mantine-radius-default)' } } }),
  },
});

/** Text in a colour, on white and on the colour's own light ground; then on the dark one. */
const TEXT_COLORS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  blue: ['#1560a8', '#a5d8ff'],
  gray: ['#495057', '#ced4da'],
  indigo: ['#2b40a8', '#bac8ff'],
  orange: ['#a33e00', '#ffd8a8'],
  red: ['#b02525', '#ffb8b8'],
  teal: ['#05644a', '#96f2d7'],
  yellow: ['#7d4a00', '#ffec99'],
};

/** Grounds under white text, at rest and under the pointer; indigo has its own by the shade above. */
const GROUNDS: Readonly<Record<string, readonly [ground: string, hover: string]>> = {
  red: ['#c92a2a', '#a61e1e'],
  teal: ['#087f5b', '#076a4c'],
};

const grounds = Object.fromEntries(
  Object.entries(GROUNDS).flatMap(([name, [ground, hover]]) => [
    [`--mantine-color-${name}-filled`, ground],
    [`--mantine-color-${name}-filled-hover`, hover],
  ]),
);

function colored(index: 0 | 1): Record<string, string> {
  return Object.fromEntries(
    Object.entries(TEXT_COLORS).flatMap(([name, shades]) => [
      [`--mantine-color-${name}-text`, shades[index]],
      [`--mantine-color-${name}-light-color`, shades[index]],
    ]),
  );
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...colored(0),
    ...grounds,
    '--mantine-color-dimmed': '#565d64',
    '--mantine-color-placeholder': '#6a7178',
    '--mantine-color-anchor': '#364fc7',
    '--mantine-color-error': '#b02525',
  },
  dark: {
    ...colored(1),
    ...grounds,
    '--mantine-color-dimmed': '#b3b3b3',
    '--mantine-color-placeholder': '#9c9c9c',
    '--mantine-color-anchor': '#bac8ff',
    '--mantine-color-error': '#ffa8a8',
  },
});
