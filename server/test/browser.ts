/**
 * A real browser for tests of the UI. One for each file; every page is a visitor of its own. Call at the top level of the file:
 *
 *     const browser = await useBrowser();
 *     describe.skipIf(browser === null)('the pages (needs Chromium)', () => …)
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll } from 'vitest';
import { findProgram } from '@mailstream/shared/local-stack/find-program';

/** Git-ignored; a person looks at them, who asks for them with `SCREENS=1`: they take half as long as everything else. */
const SCREENS = process.env['SCREENS'] === undefined ? null : join('test-artifacts', 'screens');

type Scheme = 'light' | 'dark';

export interface VisitOptions {
  /** CSS pixels; 1280 unless given. */
  readonly width?: number;
  readonly height?: number;
  readonly locale?: string;
  /** For visits to a server with a certificate of the test's own. */
  readonly ignoreHTTPSErrors?: boolean;
}

export interface TestBrowser {
  /** A new visitor without cookies. What its pages report as errors is in `troubles`. */
  visit(origin: string, options?: VisitOptions): Promise<Visitor>;
}

export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors that the page threw, what its policy refused, and requests to other hosts. */
  readonly troubles: readonly string[];
  logIn(email: string, password: string): Promise<void>;
  /**
   * Looks at a screen in both colours and at the width of a telephone, takes pictures where they are asked for, and returns what is wrong with the screen, in words: findings of axe that are
   * serious, and a page that is wider than its window.
   */
  inspect(name: string): Promise<readonly string[]>;
  /** The same for one more state of a screen that is inspected elsewhere: as it is, in light colours. */
  glance(name: string): Promise<readonly string[]>;
}

/** Null where no Chromium is installed. */
export async function useBrowser(): Promise<TestBrowser | null> {
  const executablePath = await findProgram('chromium', 'chromium-browser', 'google-chrome');
  if (executablePath === null) return null;
  const browser = await chromium.launch({
    executablePath,
    // As root Chromium has no sandbox, and in containers little shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  afterAll(() => browser.close());
  if (SCREENS !== null) await mkdir(SCREENS, { recursive: true });

  return {
    async visit(origin, { width = 1280, height = 900, locale = 'en-US', ignoreHTTPSErrors = false } = {}) {
      const context = await browser.newContext({
        baseURL: origin,
        viewport: { width, height },
        ignoreHTTPSErrors,
        locale,
        timezoneId: 'UTC',
        reducedMotion: 'reduce',
      });
      context.setDefaultTimeout(45_000);
      const page = await context.newPage();
      const troubles = watch(page, origin);
      return {
        page,
        context,
        troubles,
        async logIn(email, password) {
          await page.goto('/');
          await page.locator('input[type=email]').fill(email);
          await page.locator('input[type=password]').fill(password);
          await page.keyboard.press('Enter');
          await page.getByRole('navigation').first().waitFor({ state: 'attached' });
        },
        inspect: (name) => inspect(page, name),
        glance: (name) => look(page, name, 'light'),
      };
    },
  };
}

function watch(page: Page, origin: string): readonly string[] {
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    // An answer of 401 or 404 is what a test asks for; a broken policy or a warning of React is not.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      troubles.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob|about):/.test(url)) troubles.push(`asked for ${url}`);
  });
  return troubles;
}

/** What `inspect` has looked at in this process, by name. */
export const inspected = new Set<string>();

const TELEPHONE = { width: 390, height: 844 };
/** Rules that the width can change: what is hidden, cut off or too close together. */
const NARROW_RULES = [
  ...['aria-hidden-focus', 'button-name', 'link-name', 'meta-viewport', 'scrollable-region-focusable'],
  ...['target-size', 'empty-table-header', 'aria-required-children'],
];

async function inspect(page: Page, name: string): Promise<readonly string[]> {
  inspected.add(name);
  const before = page.viewportSize() ?? TELEPHONE;
  // Besides colours both schemes are the same page.
  const findings = [...(await look(page, `${name}-dark`, 'dark', { runOnly: ['color-contrast'] }))];
  if (before.width === TELEPHONE.width) return [...findings, ...(await look(page, `${name}-light`, 'light'))];
  await page.setViewportSize(TELEPHONE);
  findings.push(...(await look(page, `${name}-390`, 'light', { runOnly: NARROW_RULES })));
  await page.setViewportSize(before);
  return [...findings, ...(await look(page, `${name}-light`, 'light'))];
}

/** What fades in has the colours of something else; what turns for ever stays as it is. Then the page is drawn once. */
const SETTLE = `new Promise((resolve) => {
  for (const animation of document.getAnimations())
    if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
  requestAnimationFrame(() => requestAnimationFrame(resolve));
})`;

async function look(
  page: Page,
  shot: string,
  colorScheme: Scheme,
  rules: Readonly<Record<string, unknown>> = {},
): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor({ state: 'attached' });
  // A picture of a whole page that is scrolled has its head in the middle.
  await page.evaluate('scrollTo(0, 0)');
  if (SCREENS !== null)
    await page.screenshot({
      path: join(SCREENS, `${shot}.png`),
      animations: 'disabled',
      fullPage: colorScheme === 'light',
    });
  await page.evaluate(SETTLE);
  // Into the frame of a mail no script gets, that of axe neither.
  const options = JSON.stringify({ resultTypes: ['violations'], iframes: false, ...rules });
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(axe.source);
  const results = await page.evaluate<AxeResults>(`axe.run(${options})`);
  const findings = results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${shot}: ${id}: ${html.slice(0, 200)}`));
  const [content, window] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  return content > window
    ? [...findings, `${shot}: ${content} px of content in a window of ${window} px`]
    : findings;
}
