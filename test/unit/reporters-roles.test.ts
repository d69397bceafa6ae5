/** Roles, failovers and two primaries, in every report. */

import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { judge } from '../../src/judge.ts';
import { roleLanes } from '../../src/measure/role-lanes.ts';
import type { History } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { Promised } from '../../src/model/promise.ts';
import { reportSchema } from '../../src/model/report-schema.ts';
import { makePlan } from '../../src/plan/schedule.ts';
import { buildReport } from '../../src/report.ts';
import { ednLines } from '../../src/reporters/edn.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { json } from '../../src/reporters/json.ts';
import { junit } from '../../src/reporters/junit.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { suiteRunOf } from '../../src/reporters/suite.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { momentsOf } from '../../src/reporters/timeline/moments.ts';
import { timelineOf } from '../../src/reporters/timeline/timeline.ts';
import { timeline } from '../../src/reporters/timeline.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { buildHistory } from '../support/history-builder.ts';
import { wokenPrimary } from '../support/witnessed-history.ts';

const history = wokenPrimary();
const scenario = parseScenario(
  `name: primary-frozen
summary: A primary freezes and goes on.
cluster: { members: 3 }
faults: [{ fault: node-pause, target: pg1, for: 3s }]
hypothesis:
  - { check: failover-time, max: 5s }
  - { check: split-brain }
  - { check: lost-writes }
  - { check: rejoined, within: 5s }
`,
  'primary-frozen.yaml',
  vocabulary,
);
const plan = makePlan(scenario, { seed: 1 });
const report = buildReport(history, plan, judge(history, scenario.hypothesis, shipped.checks));
const same = (text: string) => text;
const colors = { bold: same, dim: same, green: same, red: same, yellow: same };
const summary = terminalSummary(report, { colors, columns: 200, folder: 'reports/x' }).join('\n');
const md = markdown.render(report)['report.md'] as string;
const page = htmlReport.render(report)['report.html'] as string;

describe('roles over time', () => {
  test('are those that were seen, with the promotion as the witness saw it', () => {
    const [pg1, pg2, pg3] = roleLanes(history.events, { fromMs: 1_000, toMs: 9_000 });
    expect(pg1?.stretches).toEqual([
      { role: 'primary', timeline: 1, fromMs: 1_000, toMs: 3_500 },
      { role: 'unknown', fromMs: 3_500, toMs: 6_100 },
      { role: 'primary', timeline: 1, fromMs: 6_100, toMs: 8_500 },
      { role: 'standby', fromMs: 8_500, toMs: 9_000 },
    ]);
    expect(pg2?.stretches).toEqual([
      { role: 'standby', fromMs: 1_000, toMs: 4_002 },
      { role: 'primary', timeline: 2, fromMs: 4_002, toMs: 9_000 },
    ]);
    expect(pg3?.stretches).toEqual([{ role: 'standby', fromMs: 1_000, toMs: 9_000 }]);
  });

  test('a synchronous standby stays one, though the witness can only tell that it is a standby', () => {
    const roles = { pg1: { role: 'sync-standby' as const } };
    const [lane] = roleLanes(
      [
        { at: 1, type: 'roles-seen', roles },
        { at: 2, type: 'witness-saw', node: 'pg1', role: 'standby' },
      ],
      { fromMs: 0, toMs: 9 },
    );
    expect(lane?.stretches).toEqual([{ role: 'sync-standby', fromMs: 1, toMs: 9 }]);
  });

  test('are the lanes of the picture, and both primaries have a row of their own', () => {
    const svg = timeline.render(report)['timeline.svg'] as string;
    expect(svg.match(/class="primary" data-role-of="pg1"/g)).toHaveLength(2);
    expect(svg).toContain('>primary, timeline 2</text>');
    // Above the mark of its return: it runs, and nobody has fenced it.
    expect(svg.match(/>primary, timeline 1<\/text>/g)).toHaveLength(2);
    expect(svg.indexOf('class="returning"')).toBeLessThan(svg.lastIndexOf('class="primary" data-role-of="pg1"'));
    expect(svg).toMatch(/class="two-primaries" [^>]*data-from-ms="6000" data-to-ms="7952"/);
    expect(svg).toContain('pg2 primary, timeline 2 from 4.002 s to');
  });

  test('two primaries are an overlap across all nodes, with who, how long and what it cost in words', () => {
    const svg = timeline.render(report)['timeline.svg'] as string;
    // Three rows of 14 pixels.
    expect(svg).toMatch(/class="two-primaries-band" [^>]*data-from-ms="6000" data-to-ms="7952" y="0" height="42"/);
    expect(svg).toMatch(
      /class="(alarm|on-outage) name"[^>]*>TWO PRIMARIES 1\.95 s: pg1 and pg2, 40 acknowledged rows gone</,
    );
    const lane = /class="primary" data-role-of="pg1" [^>]*data-from-ms="([\d.]+)" data-to-ms="([\d.]+)"/g;
    const drawn = [...svg.matchAll(lane)].map(([, fromMs, toMs]) => [Number(fromMs), Number(toMs)]);
    // While it was frozen it was no primary, whatever was last heard of it.
    const frozen = report.timeline.find(({ type }) => type === 'fault-in-effect')?.at;
    expect(drawn).toEqual([
      [1_000, frozen],
      [6_100, 8_500],
    ]);
  });

  test('are told at every moment', () => {
    const at = momentsOf(timelineOf(report) as NonNullable<ReturnType<typeof timelineOf>>).find(
      ({ fromMs }) => Math.floor(fromMs / 1_000) === 6,
    );
    expect(at?.lines).toContain('pg2 primary, timeline 2');
    expect(at?.lines.some((line) => line.startsWith('two primaries from 6.000 s to 7.952 s'))).toBe(true);
  });
});

describe('every report', () => {
  test.each([
    ['report.md', md],
    ['report.html', page],
  ])('%s has the roles, the failover and both primaries with their rows', (_, text) => {
    expect(text).toContain('Roles over time');
    expect(text).toMatch(/Failover: pg2 \(timeline 2\) replaced pg1, from/);
    expect(text).toContain('Two primaries: both acknowledged writes to the witness');
    expect(text).toContain('1:40, 1:41, 1:42');
    expect(text).toContain('at least 1.95 s, at most 3.85 s');
    expect(text).toContain('Acknowledged but lost, by the node that acknowledged it');
  });

  test('the terminal', () => {
    expect(summary).toMatch(
      /primary {2}pg1 \(timeline 1\) from 1\.000 s to 3\.500 s, pg2 \(timeline 2\) from 4\.002 s/,
    );
    expect(summary).toMatch(/failover {2}pg2 \(timeline 2\) replaced pg1: .*noticed 690 ms, elected 740 ms, promoted/);
    expect(summary).toMatch(
      /TWO PRIMARIES {2}from 6\.000 s .*pg1 \(timeline 1\) acknowledged 40 rows, 40 of them lost/,
    );
  });

  test('report.json, as its schema says, and JUnit', () => {
    const parsed = reportSchema.parse(JSON.parse(json.render(report)['report.json'] as string));
    expect(parsed.figures.roles?.twoPrimaries).toMatchObject([{ sides: [{ node: 'pg1', lost: 40 }, { node: 'pg2' }] }]);
    expect(junit.render(report)['junit.xml']).toMatch(/split-brain[\s\S]*pg1 \(timeline 1\) acknowledged 40 rows/);
  });

  test('the finding says who took writes as well', () => {
    expect(report.finding).toContain('pg1 and pg2 both took writes for 1.95 s');
    expect(report.finding).toContain('40 of 79 rows that pg1 acknowledged to the witness are gone');
    expect(report.finding).toContain('no acknowledged write of the load was lost');
  });

  test('EDN: the nemesis says what every node did', () => {
    const lines = [...ednLines(history)].filter((line) => line.includes(':roles-seen'));
    expect(lines).toHaveLength(5);
    expect(lines[3]).toContain(
      ':value {"pg1" {:role :primary, :timeline 1}, "pg2" {:role :primary, :timeline 2}, "pg3" {:role :standby, :timeline 2}}',
    );
  });
});

describe('what was promised, and routes side by side', () => {
  const promise: Promised = {
    primary: 'pg1',
    writesOut: [{ route: 'direct', minMs: 500, maxMs: 5_000, why: 'the manager waits' }],
    lost: { beforeMs: 0, afterMs: 0, why: 'commits wait for a standby' },
    twoPrimaries: { maxMs: 4_000, why: 'nothing fences it' },
  };
  const probed = wokenPrimary({ probe: () => undefined });
  const { events, run, probes } = probed;
  const standby = (name: string) => `${name}@standby`;
  const asked = events.find(({ type }) => type === 'fault-asked')?.at ?? 0;
  const lost = [{ what: 'node', node: 'pg1', how: 'frozen' }] as const;
  const told: History = {
    ...probed,
    run: {
      ...run,
      probes: [...run.probes, ...run.probes.map((kind) => ({ ...kind, name: standby(kind.name), route: 'standby' }))],
    },
    probes: OperationTable.inOrder([...probes, ...[...probes].map((one) => ({ ...one, kind: standby(one.kind) }))]),
    events: [...events, { at: asked - 1, type: 'promised' as const, act: 0, lost, promise }].sort(
      (a, b) => a.at - b.at,
    ),
  };
  const of = buildReport(told, plan, judge(told, scenario.hypothesis, shipped.checks));

  test.each([
    ['report.md', markdown.render(of)['report.md'] as string],
    ['report.html', htmlReport.render(of)['report.html'] as string],
  ])('%s has both as tables', (_, text) => {
    expect(text).toContain('Promised and seen: pg1 frozen, at 3.010 s');
    expect(text).toMatch(
      /acknowledged writes lost[\s\S]{1,80}none[\s\S]{1,200}NO[\s\S]{1,80}commits wait for a standby/,
    );
    expect(text).toContain('By route, while the faults lasted');
    expect(text).toContain('standby');
  });

  test('the terminal has a line for each part', () => {
    const lines = terminalSummary(of, { colors, columns: 200, folder: 'reports/x' }).join('\n');
    expect(lines).toMatch(/promise {2}pg1 frozen: write outage via direct 500 ms to 5 s; seen: 1\.\d+ s/);
    expect(lines).toMatch(
      /routes {2}writes out: direct 1\.\d+ s ± \d+ ms, standby none; acknowledged but lost: direct none of \d+ writes of the load/,
    );
  });

  test('a suite keeps what was promised, seen and lost', () => {
    const { promises, lost: gone } = suiteRunOf(of, 'run-1');
    expect(promises).toEqual([
      {
        loss: 'pg1 frozen',
        promised:
          'write outage via direct 500 ms to 5 s; acknowledged writes at risk: none; two primaries: at most 4 s',
        seen: expect.stringMatching(/^write outage via direct 1\.\d+ s ± \d+ ms.*; two primaries for \d/),
      },
    ]);
    const { acknowledged } = of.ledger ?? {};
    expect(gone).toMatch(new RegExp(`^none of ${acknowledged} acknowledged writes, \\d+ of \\d+ of the witness$`));
  });

  test('report.json keeps what was promised beside what was seen, as its schema says', () => {
    const { figures } = reportSchema.parse(JSON.parse(json.render(of)['report.json'] as string));
    expect(figures.promises).toMatchObject([
      { promise: { writesOut: [{ route: 'direct', maxMs: 5_000 }] }, writesOut: [{ route: 'direct' }] },
    ]);
    expect(figures.routes?.map(({ route, access }) => `${route} ${access}`)).toEqual([
      'direct read',
      'direct write',
      'standby read',
      'standby write',
    ]);
  });
});

test('a cluster whose roles do not move has no such part', () => {
  const plain = buildHistory();
  const without = buildReport(plain, plan, judge(plain, [], shipped.checks));
  expect(markdown.render(without)['report.md']).not.toContain('## Roles');
  expect(htmlReport.render(without)['report.html']).not.toContain('id="roles"');
  expect(timeline.render(without)['timeline.svg']).not.toContain('>standby<');
});

test('the checks judge it', () => {
  const judged = Object.fromEntries(report.results.map(({ check, judgement }) => [check, judgement]));
  expect(judged).toMatchObject({
    'failover-time': 'pass',
    'split-brain': 'fail',
    'lost-writes': 'fail',
    rejoined: 'pass',
  });
});
