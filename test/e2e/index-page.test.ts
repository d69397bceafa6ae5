/** reports/index.html in a real browser: all runs and their trends, filtered, by day and night and on a phone. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { type IndexedRun, indexedReport, newestFirst } from '../../src/model/run-index.ts';
import { formatDuration, formatShare } from '../../src/model/units.ts';
import { indexPage } from '../../src/reporters/index-page.ts';
import { browserMissing, startBrowser } from '../support/browser.ts';
import { accessibilityViolations, type Look, openPage, shownCells } from '../support/pages.ts';
import { failedReport, HOSTILE, hostileReport, passedReport } from '../support/sample-report.ts';

const missing = browserMissing();
if (missing !== undefined) console.warn(`index.html is not opened: ${missing}`);

function on(day: number, report: Report): IndexedRun {
  const startedAt = `2026-11-${day}T10:00:00.000Z`;
  return { id: `2026-11-${day}T10-00-00Z-run`, report: { ...indexedReport(report), startedAt } };
}

/** A scenario that got slower from run to run, and at last did not recover. */
const RUNS: readonly IndexedRun[] = newestFirst([
  ...[10, 11, 12, 13, 14].map((day) => {
    const { id, report } = on(day, passedReport);
    const kinds = report?.kinds.map((kind) => ({
      ...kind,
      share: 1 - (day - 10) / 200,
      recoveryMs: day === 14 ? null : (day - 9) * 300,
    }));
    return { id, report: { ...report, kinds, judgement: day === 14 ? 'fail' : 'pass' } } as IndexedRun;
  }),
  on(15, failedReport),
  on(16, failedReport),
  { id: '2026-11-17T10-00-00Z-killed', problem: `no report: ${HOSTILE}` },
  { ...on(18, hostileReport), id: '2026-11-18T10-00-00Z-hostile' },
]);

describe.skipIf(missing !== undefined)('index.html', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pgquake-index-'));
    writeFileSync(join(folder, 'index.html'), indexPage(RUNS, '0.1.0'));
    writeFileSync(join(folder, 'empty.html'), indexPage([], '0.1.0'));
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (look: Look = {}, file = 'index.html') => openPage(browser, join(folder, file), look);

  test.each(['index.html', 'empty.html'])('%s: no error, no request, no dialog', async (file) => {
    await using opened = await open({}, file);
    await opened.page.locator('h2').last().scrollIntoViewIfNeeded();
    expect(opened.complaints).toEqual([]);
  });

  test('all runs, the newest first, with the figures of their reports', async () => {
    await using opened = await open();
    const rows = await shownCells(opened.page, 'run-table');
    expect(rows.map((row) => row[1])).toEqual(
      RUNS.map(({ report }) => expect.stringContaining((report?.judgement ?? 'no report').toUpperCase())),
    );
    const newest = RUNS.find(({ report }) => report?.scenario === passedReport.run.scenario)?.report;
    const row = rows.find((cells) => cells[2] === passedReport.run.scenario && cells[1]?.includes('FAIL')) as string[];
    expect(row[3]).toBe(newest?.kinds.map(({ kind, share }) => `${kind} ${formatShare(share)}`).join(''));
    expect(row[4]).toBe(newest?.kinds.map(({ kind }) => `${kind} never`).join(''));
    expect(row[5]).toBe(
      newest?.kinds.map(({ kind, p99Ms }) => `${kind} ${p99Ms === null ? 'n/a' : formatDuration(p99Ms)}`).join(''),
    );
    const link = opened.page.locator('#run-table a').last();
    expect(await link.getAttribute('href')).toBe(`${RUNS.at(-1)?.id}/report.html`);
  });

  test('the filters show what was asked for, and say how many', async () => {
    await using opened = await open();
    const { page, complaints } = opened;
    await page.selectOption('#by-scenario', passedReport.run.scenario);
    expect(await page.locator('#shown').innerText()).toBe('5 of 9 runs');
    expect(await page.locator('.trend:visible h3').allInnerTexts()).toEqual([passedReport.run.scenario]);
    await page.selectOption('#by-verdict', 'fail');
    expect((await shownCells(page, 'run-table')).map((row) => row[1])).toEqual(['✘ FAIL']);
    await page.selectOption('#by-scenario', '');
    await page.selectOption('#by-verdict', 'no report');
    expect(await page.locator('#shown').innerText()).toBe('1 of 9 runs');
    // From the keyboard too.
    await page.locator('#by-verdict').focus();
    await page.keyboard.press('Home');
    expect(await page.locator('#shown').innerText()).toBe('9 runs');
    expect(complaints).toEqual([]);
  });

  test('a trend has a point for each run, from the oldest on the left to the newest on the right', async () => {
    await using opened = await open();
    const trend = opened.page.locator(`.trend[data-scenario="${passedReport.run.scenario}"]`);
    const charts = await trend.locator('svg .title').allTextContents();
    expect(charts).toEqual(['Availability during the fault', 'Recovery time', 'p99 during the fault']);
    const points = trend.locator('svg').first().locator('.k0 circle');
    const places = await points.evaluateAll((all) =>
      all.map((one) => [Number(one.getAttribute('cx')), Number(one.getAttribute('cy'))]),
    );
    expect(places).toHaveLength(5);
    expect(places.map(([x]) => x)).toEqual(places.map(([x]) => x as number).toSorted((a, b) => a - b));
    // Availability fell, so the line goes down.
    expect(places.map(([, y]) => y)).toEqual(places.map(([, y]) => y as number).toSorted((a, b) => a - b));
    expect(await points.last().locator('title').textContent()).toContain('2026-11-14T10-00-00Z-run');
    // What did not recover is no point on the scale.
    const recovery = trend.locator('svg').nth(1).locator('.k0');
    expect(await recovery.locator('circle').count()).toBe(4);
    expect(await recovery.locator('.never').count()).toBe(1);
  });

  test.each(['light', 'dark'] as const)(
    '%s: no violation of accessibility, and a picture can be taken',
    async (colorScheme) => {
      await using opened = await open({ colorScheme });
      expect(await accessibilityViolations(opened.page)).toEqual([]);
      const shots = process.env.PGQUAKE_SCREENSHOTS ?? folder;
      const image = await opened.page.screenshot({ path: join(shots, `index-${colorScheme}.png`), fullPage: true });
      expect(image.length).toBeGreaterThan(10_000);
    },
  );

  test.each(['index.html', 'empty.html'])('%s: fits a phone', async (file) => {
    await using opened = await open({ width: 360 }, file);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await accessibilityViolations(opened.page)).toEqual([]);
    if (process.env.PGQUAKE_SCREENSHOTS) {
      await opened.page.screenshot({
        path: join(process.env.PGQUAKE_SCREENSHOTS, `${file}-phone.png`),
        fullPage: true,
      });
    }
  });

  test('filtering a thousand runs costs the browser as many layouts as filtering ten', async () => {
    const layouts = async (runs: number) => {
      const reports = Array.from({ length: runs }, (_, i) =>
        on(10 + (i % 9), i % 2 === 0 ? passedReport : failedReport),
      );
      const file = `runs-${runs}.html`;
      writeFileSync(
        join(folder, file),
        indexPage(
          reports.map((report, i) => ({ ...report, id: `run-${i}` })),
          '0.1.0',
        ),
      );
      await using opened = await open({}, file);
      const session = await opened.page.context().newCDPSession(opened.page);
      await session.send('Performance.enable');
      const count = async () => {
        const { metrics } = await session.send('Performance.getMetrics');
        return metrics.find(({ name }) => name === 'LayoutCount')?.value ?? Number.NaN;
      };
      const before = await count();
      await opened.page.evaluate(`{
        const verdict = document.getElementById('by-verdict');
        verdict.value = 'pass';
        verdict.dispatchEvent(new Event('change', { bubbles: true }));
        document.body.offsetHeight;
      }`);
      const after = await count();
      expect(await opened.page.locator('#shown').innerText()).toBe(`${runs / 2} of ${runs} runs`);
      return after - before;
    };
    const ofTen = await layouts(10);
    expect(ofTen).toBeGreaterThan(0);
    expect(await layouts(1_000)).toBe(ofTen);
  });
});
