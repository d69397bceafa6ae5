/** The four figures at the head of a report: what was seen, what was asked for, and what is not known. */

import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { judge } from '../../src/judge.ts';
import type { Report } from '../../src/model/report.ts';
import { makePlan } from '../../src/plan/schedule.ts';
import { buildReport } from '../../src/report.ts';
import { headline } from '../../src/reporters/headline.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { wokenPrimary } from '../support/witnessed-history.ts';

const scenario = parseScenario(
  `summary: A primary freezes and goes on.
cluster: { members: 3 }
faults: [{ fault: node-pause, target: pg1, for: 3s }]
hypothesis:
  - { check: outage, of: write, max: 1s }
  - { check: recovery-time, of: write, max: 5s }
  - { check: no-lost-writes }
`,
  'primary-frozen.yaml',
  vocabulary,
);
const history = wokenPrimary();
const report = buildReport(
  history,
  makePlan(scenario, { seed: 1 }),
  judge(history, scenario.hypothesis, shipped.checks),
);
const valuesOf = (of: Report) => Object.fromEntries(headline(of).map(({ title, value }) => [title, value]));

describe('what operators ask', () => {
  test('each with what was seen', () => {
    expect(valuesOf(report)).toEqual({
      'availability during the fault': 'write 60 %',
      'longest outage': 'write 1.2 s ± 20 ms',
      'lost writes (RPO)': '0 of 405 acknowledged writes',
      'time to heal': '300 ms, pg1',
    });
  });

  test('a limit has the figure of its own kind beside it, also where another kind fared worse', () => {
    const asked = parseScenario(
      `summary: A primary freezes and goes on.
cluster: { members: 3 }
faults: [{ fault: node-pause, target: pg1, for: 3s }]
hypothesis:
  - { check: availability, of: read, min: 50% }
  - { check: outage, of: read, max: 1s }
`,
      'primary-frozen.yaml',
      vocabulary,
    );
    const verdict = judge(history, asked.hypothesis, shipped.checks);
    expect(valuesOf(buildReport(history, makePlan(asked, { seed: 1 }), verdict))).toMatchObject({
      'availability during the fault': 'write 60 %; read 100 %',
      'longest outage': 'write 1.2 s ± 20 ms; read none',
    });
  });

  test('where no write was acknowledged, none lost is no finding', () => {
    const { ledger } = report;
    if (!ledger) throw new Error('the run has a ledger');
    const unwritten = { ...report, ledger: { ...ledger, acknowledged: 0 } };
    expect(valuesOf(unwritten)['lost writes (RPO)']).toBe('not known: no write was acknowledged');
  });

  test('each with what the hypothesis asks of it, and nothing else', () => {
    const limits = headline(report).map((figure) =>
      figure.limits.map(({ judgement, expected }) => [judgement, expected]),
    );
    expect(limits).toEqual([
      [],
      [
        ['fail', expect.stringContaining('1 s')],
        ['pass', expect.stringContaining('within 5 s')],
      ],
      [['pass', expect.stringContaining('every acknowledged write')]],
      [],
    ]);
  });

  test('what nobody saw is not known, and never a zero', () => {
    const figures = { ...report.figures, availability: [], windows: [] };
    expect(valuesOf({ ...report, figures, ledger: null, timeline: [] })).toEqual({
      availability: 'not known: no load was run',
      'longest outage': 'not known: no load was run',
      'lost writes (RPO)': 'not known: nothing accounts for rows',
      'time to heal': 'not known: nothing was healed',
    });
    const unread = { ...report, ledger: { ...(report.ledger as NonNullable<Report['ledger']>), finalReads: false } };
    expect(valuesOf(unread)['lost writes (RPO)']).toBe('not known: there were no final reads');
  });

  test('a node that stayed away was never healed', () => {
    const timeline = report.timeline.map((event) =>
      event.type === 'healed'
        ? { at: event.at, type: 'heal-failed' as const, act: event.act, error: 'it is gone' }
        : event,
    );
    expect(valuesOf({ ...report, timeline })['time to heal']).toBe('never: pg1');
  });

  test('links lead to sections that are there', () => {
    const page = htmlReport.render(report)['report.html'] as string;
    const text = markdown.render(report)['report.md'] as string;
    for (const { evidence, value } of headline(report)) {
      expect(page).toContain(`href="#${evidence.toLowerCase()}"`);
      expect(page).toContain(`id="${evidence.toLowerCase()}"`);
      expect(text).toContain(`(#${evidence.toLowerCase()})`);
      expect(text).toContain(`\n## ${evidence}\n`);
      expect(page).toContain(`<strong>${value}</strong>`);
    }
  });
});
