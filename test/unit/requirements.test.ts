/** What checks require, and their results if a scenario or a run lacks it. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../src/catalog.ts';
import { judge } from '../../src/judge.ts';
import type { History } from '../../src/model/history.ts';
import type { LedgerFigures } from '../../src/model/report.ts';
import { REQUIREMENTS } from '../../src/model/requirements.ts';
import { planOf } from '../../src/planner.ts';
import { buildReport } from '../../src/report.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { lacking } from '../../src/scenario/requirements.ts';
import { chat } from '../../src/workloads/chat.ts';
import type { Workload } from '../../src/workloads/workload.ts';
import { buildHistory } from '../support/history-builder.ts';
import { SMALL_SCENARIO } from '../support/small-scenario.ts';

/** A workload that only says what to send. */
const bare: Workload = {
  name: 'bare',
  summary: 'Asks for one.',
  source: import.meta.url,
  params: z.strictObject({}),
  kinds: () => [{ name: 'ask', access: 'read', scope: 'all', ratePerSecond: 10, deadlineMs: 1_000 }],
  start: () => ({ next: () => ({ run: async () => ({ rows: 1 }), settled: () => undefined }) }),
};

const vocabulary = { ...shipped, workloads: [bare, chat] };

function problemsOf(check: string, { use = 'bare', more = '' } = {}): string {
  const text = `name: mine\nsummary: Mine.\nworkload: { use: ${use} }\n${more}hypothesis:\n  - { check: ${check} }\n`;
  try {
    parseScenario(text, 'mine.yaml', vocabulary);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a scenario', () => {
  test.each([
    ['no-lost-writes', 'a workload that accounts for its rows'],
    ['no-unexpected-rows', 'a workload that accounts for its rows'],
    ['content-intact', 'a workload that verifies what its reads return'],
    ['no-duplicates', 'a workload that verifies what its reads return'],
    ['no-stale-reads', 'a workload that verifies what its reads return'],
    ['session-guarantees', 'a workload that verifies what its reads return'],
    ['messages-readable', 'a workload that verifies what its reads return'],
    ['lost-writes', 'a workload that accounts for its rows'],
    ['replicas-agree', 'a workload whose rows can be read on every copy'],
    ['workers-serve', 'a workload whose tables pgquake creates'],
    ['storage-overhead, max: 3', 'a workload whose tables pgquake creates'],
  ])('that asks for %s without it is refused with its place and advice', (check, needs) => {
    expect(problemsOf(check)).toMatch(
      new RegExp(
        `^mine\\.yaml:5:14 hypothesis\\[0\\]\\.check: [a-z-]+ can never be judged here: it needs ${needs}; choose use: `,
      ),
    );
    expect(problemsOf(check, { use: 'chat' })).toBe('');
  });

  test('without probes is refused if a check needs them', () => {
    expect(problemsOf('reads-scale, min: 2', { use: 'chat', more: 'probes: off\n' })).toMatch(
      /:14 .*remove "probes: off"/,
    );
    expect(problemsOf('reads-scale, min: 2', { use: 'chat' })).toBe('');
  });

  test.each(['failover-time, max: 1s', 'split-brain', 'rejoined, within: 5s'])(
    'on a cluster whose roles stay is refused where it asks for %s',
    (check) => {
      const needs = /it needs a cluster whose roles move; choose a cluster with "members"/;
      expect(problemsOf(check, { use: 'chat' })).toMatch(needs);
    },
  );

  test('cannot be predicted if nothing distinguishes shards', () => {
    const check = shipped.checks.find(({ name }) => name === 'prediction');
    const faults = [{ name: 'node-stop', effect: 'down' as const }];
    const facts = { kinds: ['ask'], partitions: ['A'], messages: 0, faults };
    expect(check?.hopeless?.({}, { ...facts, lacks: ['partitions', 'probes'] })).toMatch(/^neither load nor probes/);
    expect(check?.hopeless?.({}, { ...facts, lacks: ['partitions'] })).toBeUndefined();
  });

  test('of a bare workload is judged by its operations', () => {
    expect(problemsOf('availability, of: ask, min: 99%')).toBe('');
  });

  test('knows no room that a target could name', () => {
    const more = 'faults:\n  - { fault: node-stop, target: { holds-shard-of: room 1 }, for: 1s }\n';
    expect(problemsOf('availability, of: ask, min: 99%', { more })).toMatch(
      /there is no room 1; the workload has no keys/,
    );
  });
});

describe('a run that lacks it', () => {
  const scenario = parseScenario(SMALL_SCENARIO, 'small.yaml', shipped);
  const without = (history: History): History => ({
    ...history,
    run: {
      ...history.run,
      messages: 0,
      lacks: lacking({ workload: bare, params: {}, probes: undefined, cluster: scenario.cluster }),
    },
  });

  test('gets no checks of rows by default', () => {
    const names = (history: History) => judge(history, [], shipped.checks).results.map(({ check }) => check);
    const rows = ['content-intact', 'no-duplicates', 'no-unexpected-rows'];
    expect(names(buildHistory())).toEqual(expect.arrayContaining(rows));
    expect(names(without(buildHistory())).filter((name) => rows.includes(name))).toEqual([]);
  });

  test('is unknown if another hypothesis has such a check', () => {
    const { hypothesis } = scenario;
    const { results } = judge(without(buildHistory()), hypothesis, shipped.checks);
    expect(results[0]).toMatchObject({
      check: 'no-lost-writes',
      judgement: 'unknown',
      observed: expect.stringMatching(/^it needs a workload that accounts for its rows/),
    });
  });

  test('reports that nothing accounts for rows, and mentions no messages', () => {
    const plan = planOf(shipped.faults, scenario, { seed: 1 });
    const of = (history: History) => buildReport(history, plan, judge(history, [], shipped.checks));
    const report = of(without(buildHistory()));
    expect(report.ledger).toBeNull();
    expect(report.finding).not.toMatch(/message|acknowledged write/);
    const texts = [markdown.render(report)['report.md'], htmlReport.render(report)['report.html']];
    for (const text of texts) {
      expect(text).toContain('Nothing accounts for the rows of this workload');
      expect(text).not.toMatch(/0 of 0|0 messages/);
    }
    expect((of(buildHistory()).ledger as LedgerFigures).acknowledged).toBeGreaterThan(0);
  });
});

test('each requirement is met by some shipped workload, and not by a bare one on a plain cluster', () => {
  const cluster = { movingRoles: ['primary', 'standby'] } as const;
  const params = chat.params.parse({});
  expect(lacking({ workload: chat, params, probes: { ratePerSecond: 1, deadlineMs: 1 }, cluster })).toEqual([]);
  expect(lacking({ workload: bare, params: {}, probes: undefined, cluster: {} })).toEqual([...REQUIREMENTS]);
});
