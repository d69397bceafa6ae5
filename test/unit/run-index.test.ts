/** The index of all runs: complete, newest first, updated cheaply, and never in the place of a foreign page. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../src/model/errors.ts';
import type { Report } from '../../src/model/report.ts';
import type { IndexedRun } from '../../src/model/run-index.ts';
import { INDEX_MARK, indexPage } from '../../src/reporters/index-page.ts';
import { json } from '../../src/reporters/json.ts';
import { keepRunIndex, rebuildRunIndex } from '../../src/run-index.ts';
import { emptyReport, failedReport, HOSTILE, hostileReport, passedReport } from '../support/sample-report.ts';

let reports: string;
const PAGE = { render: (runs: readonly IndexedRun[]) => indexPage(runs, '0.0.0'), mark: INDEX_MARK };

beforeEach(() => {
  reports = mkdtempSync(join(tmpdir(), 'pgquake-index-'));
});

afterEach(() => {
  rmSync(reports, { recursive: true });
});

function store(id: string, report: Report): void {
  mkdirSync(join(reports, id));
  writeFileSync(join(reports, id, 'report.json'), json.render(report)['report.json'] as string);
}

function startedAt(report: Report, at: string): Report {
  return { ...report, run: { ...report.run, startedAt: at } };
}

const page = () => readFileSync(join(reports, 'index.html'), 'utf8');

describe('the index of runs', () => {
  test('has every run, the newest first, with its figures', async () => {
    store('a', startedAt(passedReport, '2026-11-23T10:00:00.000Z'));
    store('b', startedAt(failedReport, '2026-11-24T10:00:00.000Z'));
    store('c', startedAt(emptyReport, '2026-11-22T10:00:00.000Z'));
    const runs = await rebuildRunIndex(reports, PAGE);
    expect(runs.map(({ id, report }) => [id, report?.judgement])).toEqual([
      ['b', failedReport.judgement],
      ['a', passedReport.judgement],
      ['c', emptyReport.judgement],
    ]);
    const write = runs[1]?.report?.kinds.find(({ kind }) => kind === 'write');
    const during = passedReport.figures.availability.find(({ kind, span }) => kind === 'write' && span === 'fault');
    expect(write?.share).toBe(during?.figures.share);
    expect(write?.recoveryMs).toBe(passedReport.figures.recovery.find(({ kind }) => kind === 'write')?.recoveryMs);
    expect(page()).toContain('<a href="a/report.html" title="a">one-worker</a>');
  });

  test('a missing, damaged, cut-off or foreign report shows as such, never as passed', async () => {
    store('good', passedReport);
    for (const [id, file, content] of [
      ['2026-11-25T00-00-00Z-killed', 'run.json', '{}'],
      ['damaged', 'report.json', '{"version":2,"judgement":"pass"}'],
      ['cut', 'report.json', (json.render(passedReport)['report.json'] as string).slice(0, 900)],
      ['foreign', 'report.json', '<html></html>'],
      ['newer', 'report.json', JSON.stringify({ ...passedReport, version: 3 })],
    ] as const) {
      mkdirSync(join(reports, id));
      writeFileSync(join(reports, id, file), content);
    }
    const runs = await rebuildRunIndex(reports, PAGE);
    expect(runs).toHaveLength(6);
    expect(runs.filter(({ report }) => report).map(({ id }) => id)).toEqual(['good']);
    expect(runs.find(({ id }) => id.endsWith('killed'))?.problem).toMatch(/under way, or was killed; pgquake judge/);
    expect(runs.find(({ id }) => id === 'newer')?.problem).toMatch(
      /report\.json: not a readable run of pgquake: version/,
    );
    expect(page().match(/NO REPORT/g)).toHaveLength(5);
  });

  test('suites, links and files do not count as runs', async () => {
    store('a', passedReport);
    symlinkSync('a', join(reports, 'latest'));
    mkdirSync(join(reports, 'suite'));
    writeFileSync(join(reports, 'suite', 'suite.json'), '{}');
    expect((await rebuildRunIndex(reports, PAGE)).map(({ id }) => id)).toEqual(['a']);
    expect(readdirSync(reports).sort()).toEqual(['a', 'index.html', 'index.json', 'latest', 'suite']);
  });

  test('an update adds new runs, drops removed ones, and does not read known ones again', async () => {
    store('a', passedReport);
    await keepRunIndex(reports, PAGE, true);
    const index = join(reports, 'index.json');
    // A mark that only the index has.
    writeFileSync(index, readFileSync(index, 'utf8').replace('All 500 messages', 'KNOWN: all 500 messages'));
    store('b', failedReport);
    await keepRunIndex(reports, PAGE, false);
    expect(page()).toContain('KNOWN: all 500 messages');
    expect(page()).toContain('href="b/report.html"');
    rmSync(join(reports, 'b'), { recursive: true });
    await keepRunIndex(reports, PAGE, false);
    expect(page()).not.toContain('href="b/report.html"');
    await rebuildRunIndex(reports, PAGE);
    expect(page()).not.toContain('KNOWN');
  });

  test('a damaged index is rebuilt', async () => {
    store('a', passedReport);
    await keepRunIndex(reports, PAGE, true);
    for (const text of ['', '{"version":1,"runs":[{"run":7}]}', '[]']) {
      writeFileSync(join(reports, 'index.json'), text);
      await keepRunIndex(reports, PAGE, false);
      expect(page()).toContain('href="a/report.html"');
    }
  });

  test.each(['index.json', 'index.html'])(
    'a folder in place of %s is told of, and nothing is left beside it',
    async (name) => {
      store('a', passedReport);
      mkdirSync(join(reports, name));
      await expect(rebuildRunIndex(reports, PAGE)).rejects.toMatchObject({
        code: 'reports-folder',
        message: expect.stringContaining(`cannot write ${join(reports, name)}`),
      });
      expect(readdirSync(reports).filter((entry) => entry.includes('.new'))).toEqual([]);
    },
  );

  test('a foreign page is never replaced', async () => {
    store('a', passedReport);
    writeFileSync(join(reports, 'index.html'), '<h1>mine</h1>');
    await keepRunIndex(reports, PAGE, true);
    await expect(rebuildRunIndex(reports, PAGE)).rejects.toThrow(InputError);
    expect(page()).toBe('<h1>mine</h1>');
  });

  test('judging a stored run again creates no index', async () => {
    store('a', passedReport);
    await keepRunIndex(reports, PAGE, false);
    expect(readdirSync(reports)).toEqual(['a']);
  });

  test('hostile text and folder names are escaped', async () => {
    store('x"><script>', { ...hostileReport, run: { ...hostileReport.run, scenario: HOSTILE } });
    await rebuildRunIndex(reports, PAGE);
    expect(page()).toContain('href="x%22%3E%3Cscript%3E/report.html"');
    expect(page().match(/<script/g)).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(page()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('a folder that does not exist is refused', async () => {
    await expect(rebuildRunIndex(join(reports, 'none'), PAGE)).rejects.toThrow(/cannot read the folder .*none/);
  });
});
