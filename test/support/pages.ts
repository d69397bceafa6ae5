/** Opens pages as a person does, and hears every complaint of the browser. */

import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors on the console, uncaught errors, dialogs, and requests for anything but the page. */
  readonly complaints: string[];
}

export interface Look {
  readonly colorScheme?: 'light' | 'dark';
  /** CSS pixels; 1000 by default. */
  readonly width?: number;
}

export async function openPage(
  browser: Browser,
  file: string,
  { colorScheme = 'light', width = 1_000 }: Look = {},
): Promise<OpenedPage> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  const complaints: string[] = [];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(`request ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

/** What axe-core finds fault with, with the elements. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  // What is well is not described one by one: that takes most of the time.
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as axe.AxeResults;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** The cells of a table's body that are shown, row by row. */
export async function shownCells(page: Page, table: string): Promise<string[][]> {
  return (await page.evaluate(
    `[...document.querySelectorAll('#${table} tbody tr')].filter((row) => !row.hidden).map((row) => [...row.cells].map((cell) => cell.textContent.trim()))`,
  )) as string[][];
}
