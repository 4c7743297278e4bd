import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DIALOGS, PAGES } from './screens.ts';

const WEB = new URL('../web/', import.meta.url);
const source = (file: string): string => readFileSync(new URL(file, WEB), 'utf8');

/** The frames themselves, which others fill. */
const FRAMES = ['confirm-modal.tsx', 'accounts/secret-modal.tsx', 'action-menu.tsx'];

test('every route of the UI is on the list of screens, and no other', () => {
  const app = source('app.tsx');
  const routes = [
    ...[...app.matchAll(/<Route path="([^"]+)"/g)].map(([, path]) => path ?? ''),
    ...[...app.matchAll(/path === '([^']+)'/g)].map(([, path]) => path ?? ''),
    ...(app.includes('<LoginPage />') ? ['login'] : []),
    ...(app.includes('<Route>') ? ['no such page'] : []),
  ];
  // The root leads to the mailboxes.
  expect(routes.filter((route) => route !== '/').toSorted()).toEqual(Object.keys(PAGES).toSorted());
});

test('so is everything that opens over a screen', () => {
  const files = readdirSync(WEB, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.tsx') && !FRAMES.includes(file),
  );
  const dialogs = files.flatMap((file) =>
    [...source(file).matchAll(/<(Modal|ConfirmModal|SecretModal|Drawer|ActionMenu|Menu|Popover)[\s>]/g)].map(
      ([, component]) => `${file} ${component ?? ''}`,
    ),
  );
  expect(dialogs.toSorted()).toEqual(Object.keys(DIALOGS).toSorted());
});

test('no two of them are inspected under one name', () => {
  const names = [...Object.values(PAGES), ...Object.values(DIALOGS)];
  expect(new Set(names).size).toBe(names.length);
});
