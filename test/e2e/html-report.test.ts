/**
 * report.html in a real browser: it says what report.json says, needs no network, obeys nobody, and can be
 * read by day and night, on a phone and with a screen reader.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LedgerFigures, Report } from '../../src/model/report.ts';
import { formatDuration, formatShare } from '../../src/model/units.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { json } from '../../src/reporters/json.ts';
import { browserMissing, startBrowser } from '../support/browser.ts';
import { accessibilityViolations, type OpenedPage, openPage, shownCells } from '../support/pages.ts';
import { emptyReport, failedReport, HOSTILE, hostileReport, passedReport } from '../support/sample-report.ts';

const missing = browserMissing();
if (missing !== undefined) console.warn(`report.html is not opened: ${missing}`);

/** Load in every second, as a real run has it. */
function withLoad(report: Report): Report {
  const seconds = Array.from({ length: 13 }, (_, i) => i + 2).flatMap((second) =>
    report.run.kinds.map(({ name, ratePerSecond }) => {
      const failed = second === 4 ? Math.round(ratePerSecond / 4) : 0;
      return { second, kind: name, ok: ratePerSecond - failed, failed, p50Ms: 1.5, p99Ms: 12, maxMs: 40 * second };
    }),
  );
  return { ...report, figures: { ...report.figures, seconds } };
}

const REPORTS = {
  passed: withLoad(passedReport),
  failed: withLoad(failedReport),
  hostile: withLoad(hostileReport),
  empty: emptyReport,
};
type Name = keyof typeof REPORTS;
const NAMES = Object.keys(REPORTS) as Name[];

interface Opened extends OpenedPage {
  /** What report.json beside it says. */
  readonly report: Report;
}

describe.skipIf(missing !== undefined)('report.html', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pgquake-html-'));
    for (const name of NAMES) {
      const files = { ...htmlReport.render(REPORTS[name]), ...json.render(REPORTS[name]) };
      for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, `${name}-${file}`), content);
    }
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: Name, colorScheme: 'light' | 'dark' = 'light', width = 1_000): Promise<Opened> {
    const opened = await openPage(browser, join(folder, `${name}-report.html`), { colorScheme, width });
    const report = JSON.parse(readFileSync(join(folder, `${name}-report.json`), 'utf8')) as Report;
    return { ...opened, report };
  }

  /** Pages that tests only look at, each opened once: a second page of the same report costs a second. */
  const shown = new Map<string, Promise<Opened>>();
  function show(name: Name, colorScheme: 'light' | 'dark' = 'light', width = 1_000): Promise<Opened> {
    const key = `${name} ${colorScheme} ${width}`;
    const page = shown.get(key) ?? open(name, colorScheme, width);
    shown.set(key, page);
    return page;
  }

  test.each(NAMES)('%s: no error, no request, no dialog', async (name) => {
    const opened = await show(name);
    await opened.page.locator('#again').scrollIntoViewIfNeeded();
    expect(opened.complaints).toEqual([]);
  });

  test.each(NAMES)('%s: verdict and finding are those of report.json', async (name) => {
    const opened = await show(name);
    const { page, report } = opened;
    expect(await page.locator('#verdict').innerText()).toMatch(new RegExp(`^\\S ${report.judgement.toUpperCase()}$`));
    const badges = await page.locator('section[aria-labelledby=hypothesis] .badge').allInnerTexts();
    const own = report.results.filter((result) => !result.always);
    const always = report.results.filter((result) => result.always);
    expect(badges.map((text) => text.slice(2).toLowerCase())).toEqual([...own, ...always].map((r) => r.judgement));
    if (name !== 'hostile') {
      expect(await page.locator('#finding').innerText()).toBe(report.finding);
      expect(await page.locator('#again').innerText()).toBe(report.run.again);
    }
  });

  test.each(['passed', 'failed'] as const)('%s: the figures are those of report.json', async (name) => {
    const opened = await show(name);
    const { page, report } = opened;
    const { figures } = report;
    const ledger = report.ledger as LedgerFigures;
    expect(await shownCells(page, 'availability')).toEqual(
      figures.availability.map(({ kind, span, figures: { share, intended, ok, fail, unknown, unsent } }) => [
        kind,
        span.replace('-', ' '),
        formatShare(share),
        ...[intended, ok, fail, unknown, unsent].map((value) => value.toLocaleString('en-US')),
      ]),
    );
    expect((await shownCells(page, 'latency')).map((row) => row.slice(2, 8))).toEqual(
      figures.latency.map(({ figures: { p50Ms, p90Ms, p99Ms, p999Ms, p9999Ms, maxMs, count } }) => {
        const percentiles = [p50Ms, p90Ms, p99Ms, p999Ms, p9999Ms];
        // With fewer answers than these a percentile is the slowest one by another name, and is left out.
        const carriedBy = [2, 10, 100, 1_000, 10_000];
        const shown = percentiles.map((ms, i) =>
          ms === undefined || count < Number(carriedBy[i]) ? '' : formatDuration(ms),
        );
        return [...shown, formatDuration(maxMs)];
      }),
    );
    const whole = figures.windows.filter(({ partition }) => partition === undefined);
    expect((await shownCells(page, 'windows')).map((row) => [row[0], row[1], row[7]])).toEqual(
      whole.map(({ type, kind, failed }) => [type, kind, String(failed)]),
    );
    expect((await shownCells(page, 'error-table')).map((row) => [row[0], row[3]])).toEqual(
      figures.errors.map(({ code, count }) => [code, String(count)]),
    );
    const { lost, hidden, receded, resurrected, unexpected, divergent } = ledger;
    const { staleReads, readYourWrites, monotonicReads, duplicated, corrupted } = ledger;
    const byKeys = [lost, hidden, receded, resurrected, unexpected, divergent];
    const byReads = [staleReads, readYourWrites, monotonicReads, duplicated, corrupted];
    expect((await shownCells(page, 'ledger')).map((row) => row[1])).toEqual(
      [...byKeys, ...byReads].flatMap((found) => {
        if (!found) return [];
        return String(found.count);
      }),
    );
    expect((await shownCells(page, 'probes')).map((row) => [row[0], row[2], row[3]])).toEqual(
      figures.probes.map(({ kind, tried, ok }) => [kind, String(tried), String(ok)]),
    );
  });

  test.each([
    ['passed', 1_000, '.wide'],
    ['failed', 1_000, '.wide'],
    ['failed', 360, '.narrow'],
  ] as const)('%s, %i pixels wide: the fault band is where its events are', async (name, width, picture) => {
    const opened = await show(name, 'light', width);
    const { page, report } = opened;
    const at = (type: string) => report.timeline.find((event) => event.type === type)?.at as number;
    const svg = (await page.locator(`${picture} svg`).boundingBox()) as { x: number; width: number };
    const axis = (await page.evaluate(
      `(() => { const svg = document.querySelector('${picture} svg'); return { ...svg.dataset, scale: svg.getBoundingClientRect().width / svg.viewBox.baseVal.width }; })()`,
    )) as Record<'left' | 'right' | 'fromMs' | 'toMs' | 'scale', number>;
    const xOf = (ms: number) => {
      const share = (ms - Number(axis.fromMs)) / (Number(axis.toMs) - Number(axis.fromMs));
      return svg.x + axis.scale * (Number(axis.left) + share * (Number(axis.right) - Number(axis.left)));
    };
    const band = (await page.locator(`${picture} rect.fault[data-act="0"]`).boundingBox()) as {
      x: number;
      width: number;
    };
    expect(Math.abs(band.x - xOf(at('fault-in-effect')))).toBeLessThan(1);
    expect(Math.abs(band.x + band.width - xOf(at('heal-asked')))).toBeLessThan(1);
    expect(await page.locator('svg.timeline:visible').count()).toBe(1);
  });

  test('pointing at the picture tells what was at that moment', async () => {
    await using opened = await open('passed');
    const { page, complaints } = opened;
    const box = (await page.locator('.wide rect[data-act]').first().boundingBox()) as { x: number; y: number };
    await page.mouse.move(box.x + 2, box.y + 100);
    expect(await page.locator('#moment-title').innerText()).toBe('4.000 s to 5.000 s');
    const lines = await page.locator('#moment-lines li').allInnerTexts();
    expect(lines[0]).toBe('read: 150 ok, 50 failed, p50 1.5 ms, p99 12 ms, max 160 ms');
    expect(lines).toContain('worker1 stopped');
    expect(lines.find((line) => line.startsWith('write'))).toContain('outage of 240 ms ± 20 ms');
    expect(complaints).toEqual([]);
  });

  test('zooming shows the faults closer: bands, windows and ticks move together, and so does pointing', async () => {
    await using opened = await open('passed');
    const { page, report, complaints } = opened;
    const at = (type: string) => report.timeline.find((event) => event.type === type)?.at as number;
    const range = async () =>
      ((await page.locator('#shown-range').innerText()).match(/[\d.]+/g) ?? []).map((s) => 1_000 * Number(s)) as [
        number,
        number,
      ];
    const svg = '.wide svg';
    /** The moment at which an edge of an element is drawn. */
    const drawnMs = async (selector: string, edge: 'left' | 'right') => {
      const [fromMs, toMs] = await range();
      const share = (await page.evaluate(
        `(() => { const svg = document.querySelector('${svg}'); const box = svg.getBoundingClientRect(); const scale = box.width / svg.viewBox.baseVal.width; const one = document.querySelector('${svg} ${selector}').getBoundingClientRect(); return (((one.${edge} - box.left) / scale) - svg.dataset.left) / (svg.dataset.right - svg.dataset.left); })()`,
      )) as number;
      return fromMs + share * (toMs - fromMs);
    };
    const whole = await range();
    expect(await page.locator('#zoom-out').isDisabled()).toBe(true);
    await page.locator('#zoom-faults').click();
    const [fromMs, toMs] = await range();
    expect(toMs - fromMs).toBeLessThan(whole[1] - whole[0]);
    expect(Math.abs((await drawnMs('rect.fault[data-act]', 'left')) - at('fault-in-effect'))).toBeLessThan(20);
    expect(Math.abs((await drawnMs('rect.fault[data-act]', 'right')) - at('heal-asked'))).toBeLessThan(20);
    const outage = report.figures.windows.find(({ type, partition }) => type === 'outage' && partition === undefined);
    expect(outage).toBeDefined();
    expect(Math.abs((await drawnMs('rect.outage[data-window]', 'left')) - (outage?.fromMs ?? 0))).toBeLessThan(20);
    const ticks = await page.locator(`${svg} .ticks text`).allTextContents();
    expect(
      ticks.every((tick) => 1_000 * Number.parseFloat(tick) >= fromMs && 1_000 * Number.parseFloat(tick) <= toMs),
    ).toBe(true);
    expect(ticks.length).toBeGreaterThan(2);

    const band = (await page.locator(`${svg} rect.fault[data-act]`).first().boundingBox()) as {
      x: number;
      y: number;
      width: number;
    };
    await page.mouse.move(band.x + 1, band.y + 100);
    expect(await page.locator('#moment-title').innerText()).toBe('4.000 s to 5.000 s');
    // Drawing the mouse over a stretch shows that stretch.
    await page.mouse.down();
    await page.mouse.move(band.x + 101, band.y + 100, { steps: 4 });
    await page.mouse.up();
    const drawn = await range();
    expect(Math.abs(drawn[0] - at('fault-in-effect'))).toBeLessThan(30);
    expect(drawn[1] - drawn[0]).toBeLessThan(toMs - fromMs);
    if (process.env.PGQUAKE_SCREENSHOTS) {
      await page
        .locator('figure')
        .first()
        .screenshot({ path: join(process.env.PGQUAKE_SCREENSHOTS, 'zoomed.png') });
    }
    // From the keyboard: in, earlier, and back to the whole.
    await page.locator('#zoom-in').focus();
    await page.keyboard.press('Enter');
    expect((await range())[1] - (await range())[0]).toBeCloseTo((drawn[1] - drawn[0]) / 2, -1);
    const [before] = await range();
    await page.locator('#zoom-earlier').click();
    expect((await range())[0]).toBeLessThan(before);
    await page.locator('#zoom-whole').click();
    expect(await range()).toEqual(whole);
    expect(await page.locator(`${svg} [transform^=matrix]`).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('zooming never goes beyond the run, nor closer than the figures are', async () => {
    await using opened = await open('failed');
    const { page } = opened;
    const range = async () =>
      ((await page.locator('#shown-range').innerText()).match(/[\d.]+/g) ?? []).map(Number) as [number, number];
    const whole = await range();
    for (let i = 0; i < 12 && !(await page.locator('#zoom-in').isDisabled()); i++)
      await page.locator('#zoom-in').click();
    const close = await range();
    expect(close[1] - close[0]).toBeCloseTo(0.2, 2);
    for (let i = 0; i < 3; i++) await page.locator('#zoom-earlier').click();
    expect((await range())[0]).toBeGreaterThanOrEqual(whole[0]);
    // The slider brings its moment into view.
    await page.locator('#moment').focus();
    await page.keyboard.press('End');
    expect((await range())[0]).toBeGreaterThan(close[1]);
    expect((await range())[1]).toBeLessThanOrEqual(whole[1]);
    for (let i = 0; i < 12 && !(await page.locator('#zoom-out').isDisabled()); i++)
      await page.locator('#zoom-out').click();
    expect(await range()).toEqual(whole);
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  test('the slider does the same from the keyboard, and says where it is', async () => {
    await using opened = await open('passed');
    const { page } = opened;
    await page.locator('#moment').focus();
    expect(await page.locator('#moment-title').innerText()).toBe('2.031 s to 3.000 s');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#moment-title').innerText()).toBe('3.000 s to 4.000 s');
    expect(await page.locator('#moment').getAttribute('aria-valuetext')).toBe('3.000 s to 4.000 s');
    await page.keyboard.press('End');
    expect(await page.locator('#moment-title').innerText()).toMatch(/^14\.000 s to /);
  });

  test.each(NAMES.flatMap((name) => (['light', 'dark'] as const).map((scheme) => [name, scheme] as const)))(
    '%s, %s: no violation of accessibility, and a picture of it can be taken',
    async (name, scheme) => {
      const opened = await show(name, scheme);
      const { page } = opened;
      expect(await accessibilityViolations(page)).toEqual([]);
      const shots = process.env.PGQUAKE_SCREENSHOTS ?? folder;
      const image = await page.screenshot({ path: join(shots, `${name}-${scheme}.png`), fullPage: true });
      expect(image.length).toBeGreaterThan(10_000);
    },
  );

  test.each(NAMES)('%s: fits a phone', async (name) => {
    const opened = await show(name, 'light', 360);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await accessibilityViolations(opened.page)).toEqual([]);
  });

  test.each(['passed', 'failed'] as const)(
    '%s: the cluster as a picture: every node, its shards, and what struck it',
    async (name) => {
      const opened = await show(name);
      const { page, report } = opened;
      const nodes = page.locator('.topology .node');
      expect(await nodes.evaluateAll((all) => all.map((one) => one.getAttribute('data-node')))).toEqual(
        report.nodes.map((node) => node.name),
      );
      for (const { name: node } of report.nodes) {
        const box = page.locator(`.topology [data-node=${node}]`);
        expect(await box.locator('.partition').allTextContents()).toEqual(
          report.placement
            .filter(({ copies: placements }) => placements.includes(node))
            .map((partition) => partition.name),
        );
        expect(await box.locator('.partition.first').allTextContents()).toEqual(
          report.placement
            .filter(({ copies: placements }) => placements[0] === node)
            .map((partition) => partition.name),
        );
        const faults = report.acts.filter(({ targets }) => targets.includes(node)).map(({ fault }) => fault);
        expect(await box.locator('.harm').allTextContents()).toEqual(faults.map((fault) => `✸ ${fault}`));
      }
    },
  );

  test('the commands that repair stand on the page as they are', async () => {
    const failed = await show('failed');
    const event = failed.report.timeline.find(({ type }) => type === 'repair');
    const commands = event?.type === 'repair' ? event.commands : [];
    expect(commands.length).toBeGreaterThan(1);
    expect(await failed.page.locator('section[aria-labelledby=repair] code').innerText()).toBe(commands.join('\n'));
    const passed = await show('passed');
    expect(await passed.page.locator('#repair').count()).toBe(0);
  });

  test('on paper nothing stays folded', async () => {
    await using opened = await open('failed');
    const { page } = opened;
    expect(await page.locator('details:not([open])').count()).toBeGreaterThan(0);
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('details:not([open])').count()).toBe(0);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  });

  test('hostile text is shown as text, and makes no element', async () => {
    const hostile = await show('hostile');
    const plain = await show('failed');
    const tags = async (page: Page) =>
      new Set((await page.evaluate("[...document.querySelectorAll('*')].map((one) => one.localName)")) as string[]);
    expect(await tags(hostile.page)).toEqual(await tags(plain.page));
    expect(await hostile.page.locator('h1').innerText()).toContain('| `x` <script>alert(1)</script> # heading');
    expect(HOSTILE).toContain('<script>');
    expect(await hostile.page.locator('script').count()).toBe(2);
  });

  test('should markup ever slip through, the page runs no script of others and loads nothing', async () => {
    await using opened = await open('passed');
    const { page, complaints } = opened;
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x.png" onerror="alert(1)">')`,
    );
    await expect.poll(() => complaints.length).toBeGreaterThan(0);
    expect(complaints.filter((text) => text.startsWith('dialog'))).toEqual([]);
    expect(complaints.join(' ')).toMatch(/Content Security Policy/);
  });
});
