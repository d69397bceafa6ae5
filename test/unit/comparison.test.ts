/** Two runs compared: worse is said where it is worse, and chance is not. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareReports } from '../../src/measure/comparison.ts';
import { InputError } from '../../src/model/errors.ts';
import type { Figures } from '../../src/model/figures.ts';
import type { LedgerFigures, Report } from '../../src/model/report.ts';
import { comparisonMarkdown, comparisonText } from '../../src/reporters/comparison.ts';
import { json } from '../../src/reporters/json.ts';
import { readReport } from '../../src/store.ts';
import { Workplace } from '../support/cli.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';
import { sharded } from '../support/sharded.ts';

const TOLERANCE = { time: 0.2, share: 0.001 };
const compare = (before: Report, after: Report) => compareReports([before], after, TOLERANCE);
const directions = (before: Report, after: Report) =>
  Object.fromEntries(compare(before, after).figures.map(({ what, direction }) => [what, direction]));
const withFigures = (figures: Partial<Figures>): Report => ({
  ...passedReport,
  figures: { ...passedReport.figures, ...figures },
});

describe('compareReports', () => {
  test('a run compared with itself is as before, in everything', () => {
    for (const report of [passedReport, failedReport, emptyReport, hostileReport]) {
      const { figures, differences, regression } = compare(report, report);
      expect(new Set(figures.map(({ direction }) => direction))).toEqual(new Set(['same']));
      expect({ differences, regression }).toEqual({ differences: [], regression: false });
    }
  });

  test('what got worse one way is better the other way', () => {
    const there = directions(passedReport, failedReport);
    const back = directions(failedReport, passedReport);
    expect(there).toMatchObject({ verdict: 'worse', 'lost messages': 'worse', 'outage of scan': 'worse' });
    for (const [what, direction] of Object.entries(there)) {
      const opposite = { better: 'worse', worse: 'better', same: 'same', changed: 'changed' }[direction];
      expect(`${what}: ${back[what]}`).toBe(`${what}: ${opposite}`);
    }
    expect(compare(passedReport, failedReport).regression).toBe(true);
    expect(compare(failedReport, passedReport).regression).toBe(true); // an outage of writes came back
  });

  test.each([
    [270, 'same'],
    [289, 'same'],
    [330, 'worse'],
    [205, 'same'],
    [150, 'better'],
    [null, 'worse'],
  ])('recovery of 241 ms ± 20 ms, then %s ms ± 20 ms: %s', (recoveryMs, direction) => {
    const after = withFigures({ recovery: [{ kind: 'write', recoveryMs, uncertaintyMs: 20 }] });
    expect(directions(passedReport, after)['recovery of write']).toBe(direction);
  });

  const WHAT = 'availability of read during the fault';
  const available = (ok: number, intended: number): Report =>
    withFigures({
      availability: passedReport.figures.availability.map((cell) =>
        cell.kind === 'read' && cell.span === 'fault'
          ? { ...cell, figures: { ...cell.figures, ok, intended, unsent: 0, share: ok / intended } }
          : cell,
      ),
    });
  const shareOf = (before: Report[], after: Report) =>
    compareReports(before as [Report, ...Report[]], after, TOLERANCE).figures.find(({ what }) => what === WHAT);

  test.each([
    [406, 405, 'same'],
    [406, 400, 'worse'],
    [400, 406, 'better'],
    [405, 406, 'same'],
  ])('%d of 406 writes ok, then %d: %s', (before, after, direction) => {
    expect(shareOf([available(before, 406)], available(after, 406))?.direction).toBe(direction);
  });

  test('says how many runs would show a difference that may be chance, and they do', () => {
    const [all, some] = [available(406, 406), available(404, 406)];
    const found = shareOf([all], some);
    expect(found).toMatchObject({ direction: 'same', runsNeeded: expect.any(Number) });
    const runs = found?.runsNeeded as number;
    expect(runs).toBeGreaterThanOrEqual(2);
    const pooled = available(404 * runs, 406 * runs);
    expect(
      shareOf(
        Array.from({ length: runs }, () => all),
        pooled,
      )?.direction,
    ).toBe('worse');
    expect(comparisonText(compare(all, some), 100).join('\n')).toContain(`about ${runs} runs of each would`);
  });

  test('a difference within the tolerance needs no runs', () => {
    expect(shareOf([available(10_000, 10_000)], available(9_995, 10_000))).toMatchObject({ direction: 'same' });
    expect(shareOf([available(10_000, 10_000)], available(9_995, 10_000))).not.toHaveProperty('runsNeeded');
  });

  test('what an earlier run had as well is no regression', () => {
    const recovering = (recoveryMs: number) =>
      withFigures({ recovery: [{ kind: 'write', recoveryMs, uncertaintyMs: 0 }] });
    const of = (before: readonly number[], after: number) =>
      compareReports(before.map(recovering) as [Report, ...Report[]], recovering(after), TOLERANCE).figures.find(
        ({ what }) => what === 'recovery of write',
      );
    expect(of([300], 900)).toMatchObject({ direction: 'worse' });
    expect(of([300, 900, 500], 900)).toMatchObject({ direction: 'same', before: '300 ms to 900 ms' });
    expect(of([300, 900, 500], 1_200)).toMatchObject({ direction: 'worse' });
    expect(of([300, 900, 500], 200)).toMatchObject({ direction: 'better' });
    expect(shareOf([available(380, 406), available(406, 406)], available(381, 406))?.direction).toBe('same');
  });

  test('a single lost message is worse, and no proof is worse than proof', () => {
    const ledger = { ...(passedReport.ledger as LedgerFigures), lost: { count: 1, witnesses: ['1:5'] } };
    expect(directions(passedReport, { ...passedReport, ledger })['lost messages']).toBe('worse');
    const unproven = { ...passedReport, ledger: { ...(passedReport.ledger as LedgerFigures), finalReads: false } };
    expect(directions(passedReport, unproven)['final reads']).toBe('worse');
  });

  test('says in what the two were not alike', () => {
    const after = {
      ...passedReport,
      topology: { ...passedReport.topology, nodes: sharded({ workers: 6, replication: 2, partitions: 4 }).nodes },
    };
    expect(compare(passedReport, after).differences).toEqual([
      'cluster: local, native, 4 workers, 4 shards, 2 copies before, local, native, 6 workers, 4 shards, 2 copies after',
    ]);
  });
});

describe('as text and Markdown', () => {
  test('shows what changed', () => {
    const after = withFigures({ recovery: [{ kind: 'write', recoveryMs: 900, uncertaintyMs: 20 }] });
    expect(comparisonText(compare(passedReport, after), 100)).toEqual([
      'Worse: 2026-11-23T13-22-54Z-one-worker',
      '  Compared with 2026-11-23T13-22-54Z-one-worker: 1 worse, 0 better, 27 unchanged.',
      '         what               before  after',
      '  worse  recovery of write  241 ms  900 ms',
    ]);
  });

  test('hostile text does nothing', () => {
    const comparison = compare(passedReport, hostileReport);
    const markdown = comparisonMarkdown(comparison);
    expect(markdown).toContain('&lt;script&gt;');
    expect(markdown).not.toContain('<script>');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(comparisonText(comparison, 100).join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('pgquake compare', () => {
  let place: Workplace;
  const file = (name: string, content: string) => {
    const path = join(place.folder, name);
    writeFileSync(path, content);
    return path;
  };
  const stored = (name: string, report: Report) => file(name, json.render(report)['report.json'] as string);

  beforeEach(() => {
    place = new Workplace();
  });

  afterEach(() => place[Symbol.dispose]());

  test('ends with 1 on a regression only where that is asked for', async () => {
    const runs = [stored('a.json', passedReport), stored('b.json', failedReport)];
    expect(await place.start(['compare', ...runs]).ended).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await place.start(['compare', ...runs, '--fail-on-regression', '--output', 'json']).ended;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ regression: true, before: passedReport.run.id });
    expect(
      (await place.start(['compare', runs[0] as string, runs[0] as string, '--fail-on-regression']).ended).code,
    ).toBe(0);
  });

  test('one run alone is refused', async () => {
    const { code, stderr } = await place.start(['compare', stored('a.json', passedReport)]).ended;
    expect(code).toBe(3);
    expect(stderr).toContain('expected at least two runs, found 1');
  });

  test('a tolerance that is none is bad input', async () => {
    const run = stored('a.json', passedReport);
    const { code, stderr } = await place.start(['compare', run, run, '--time-tolerance', '20']).ended;
    expect(code).toBe(3);
    expect(stderr).toContain('--time-tolerance: expected a percentage such as 20% or 0.1%, found "20"');
  });
});

describe('a stored report', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pgquake-compare-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('comes back from its folder', async () => {
    const text = json.render(passedReport)['report.json'] as string;
    writeFileSync(join(folder, 'report.json'), text);
    expect(await readReport(folder)).toEqual(JSON.parse(text));
  });

  test.each([
    ['truncated', (text: string) => text.slice(0, -40), /report\.json: not a readable run/],
    ['foreign', () => '{"version": 2}', /report\.json: not a readable run of pgquake: run:/],
    ['of another version', (text: string) => text.replace('"version": 2', '"version": 3'), /version/],
  ])('that is %s is refused', async (_, change, message) => {
    writeFileSync(join(folder, 'report.json'), change(json.render(passedReport)['report.json'] as string));
    await expect(readReport(folder)).rejects.toThrow(message);
    await expect(readReport(folder)).rejects.toThrow(InputError);
  });

  test('that is not there is refused', async () => {
    await expect(readReport(join(folder, 'none'))).rejects.toThrow(InputError);
  });
});
