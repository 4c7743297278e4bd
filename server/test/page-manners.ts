/** What a screen owes to a person without a mouse, and to one whose server answers slowly. Parts of pages.real.test.ts. */
import { expect } from 'vitest';
import type { Page } from 'playwright-core';
import type { Visitor } from './browser.ts';

interface Focused {
  readonly name: string;
  /** In the part of the page that the window shows. */
  readonly isOnScreen: boolean;
  /** Something is drawn around it. */
  readonly isMarked: boolean;
}

/** What has the focus; null when nothing has. */
async function focused(page: Page): Promise<Focused | null> {
  return page.evaluate<Focused | null>(`(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const { top, left, bottom, right } = element.getBoundingClientRect();
    const { outlineStyle, outlineWidth, borderColor, boxShadow } = getComputedStyle(element);
    const rest = element.matches('input, select, textarea');
    return {
      name: element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '',
      isOnScreen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
      isMarked: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' || rest,
    };
  })()`);
}

/** Of what a person can press on this page, in the order of the page. */
const PRESSABLE = 'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled])';

/** From the address of the product to a question about a mailbox and back, by keys alone. */
export async function worksByKeyboard(
  { page }: Visitor,
  email: string,
  password: string,
  mailbox: string,
): Promise<void> {
  const { keyboard } = page;
  await page.goto('/');
  // The one thing to do on this page has the focus.
  await expect.poll(async () => (await focused(page))?.name).toMatch(/^E-mail/);
  await keyboard.type(email);
  await keyboard.press('Tab');
  await keyboard.type(password);
  await keyboard.press('Enter');
  await page.getByRole('link', { name: mailbox, exact: true }).waitFor();

  // Nothing that can be pressed is left out, out of sight or without a mark; the first stop leads past the menu.
  const stops: Focused[] = [];
  const count = await page.locator(PRESSABLE).filter({ visible: true }).count();
  for (let presses = 0; presses < 2 * count; presses += 1) {
    await keyboard.press('Tab');
    const stop = await focused(page);
    if (stop === null) break;
    stops.push(stop);
  }
  expect(stops.length).toBeGreaterThanOrEqual(count);
  expect(stops[0]?.name).toBe('Skip to the content');
  expect(stops.filter(({ isOnScreen, isMarked }) => !isOnScreen || !isMarked)).toEqual([]);
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await keyboard.press('Enter');
  await keyboard.press('Tab');
  expect(await focused(page)).toMatchObject({ name: 'Add mailbox', isOnScreen: true, isMarked: true });

  // A menu opens, is walked through, closes, and gives the focus back.
  const actions = page.getByRole('button', { name: `Actions: ${mailbox}` });
  await actions.focus();
  await keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Edit' }).waitFor();
  await expect.poll(() => isFocused(page.getByRole('menuitem').first())).toBe(true);
  await keyboard.press('ArrowDown');
  expect(await isFocused(page.getByRole('menuitem').nth(1))).toBe(true);
  await keyboard.press('Escape');
  await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
  await expect.poll(() => isFocused(actions)).toBe(true);

  // A question keeps the focus, begins with the harmless answer, and gives it back as well.
  await keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete' }).focus();
  await keyboard.press('Enter');
  const question = page.getByRole('dialog');
  await expect.poll(() => isFocused(question.getByRole('button', { name: 'Cancel' }))).toBe(true);
  for (let presses = 0; presses < 5; presses += 1) {
    await keyboard.press('Tab');
    expect(await question.locator(':focus').count()).toBe(1);
  }
  await keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await expect.poll(() => isFocused(actions)).toBe(true);
}

function isFocused(locator: ReturnType<Page['locator']>): Promise<boolean> {
  return locator.evaluate((element) => element === element.ownerDocument.activeElement);
}

/** Web Vitals calls up to 0.1 good; a list below a head that moves by a line has about 0.03. */
export const MOST_LAYOUT_SHIFT = 0.05;

/**
 * How far things jump while a screen loads (Chromium's layout-shift score, summed): every answer but the session's is held back until the skeleton
 * has been drawn.
 */
export async function layoutShift({ page }: Visitor, path: string): Promise<number> {
  let release = (): void => undefined;
  const isDrawn = new Promise<void>((resolve) => {
    release = resolve;
  });
  const api = '**/api/**';
  await page.route(api, async (route) => {
    if (!route.request().url().includes('/api/auth/')) await isDrawn;
    // A page that was left meanwhile asks for nothing any more.
    await route.continue().catch(() => undefined);
  });
  try {
    await page.goto(path);
    await page.getByRole('main').waitFor();
    // Two frames: laid out, and drawn.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    release();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    return await page.evaluate<number>(
      `(() => { const shifts = new PerformanceObserver(() => undefined);
        shifts.observe({ type: 'layout-shift', buffered: true });
        return shifts.takeRecords().reduce((sum, { value }) => sum + value, 0); })()`,
    );
  } finally {
    release();
    await page.unroute(api);
  }
}
