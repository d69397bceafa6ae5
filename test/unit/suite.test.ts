/** A suite: its folder is read as a whole, and its runs become one table. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Output } from '../../src/cli/output.ts';
import { SuiteTable } from '../../src/cli/suite.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Suite, SuiteRun } from '../../src/model/suite.ts';
import { suiteFiles, suiteRunOf, suiteText } from '../../src/reporters/suite.ts';
import { listScenarios, loadScenario, loadSuite } from '../../src/scenario/load.ts';
import { failedReport, passedReport } from '../support/sample-report.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-suite-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const load = (name: string, folders = [folder]) => loadSuite(name, { vocabulary, folders });

function write(path: string, text?: string): void {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  const name = basename(path, '.yaml');
  writeFileSync(file, text ?? `name: ${name}\nsummary: Some.\nhypothesis: [{ check: no-lost-writes }]\n`);
}

test('its table is printed even if its files cannot be written', async () => {
  const said = vi.spyOn(console, 'log').mockReturnValue();
  const suite = { name: 'nightly', scenarios: [] };
  const reports = join(folder, 'reports');
  const table = await SuiteTable.open(suite, { reports, again: 'pgquake', output: new Output('text') });
  table.add(passedReport, 'one');
  rmSync(reports, { recursive: true });
  await expect(table.close()).rejects.toThrow('suite.json');
  const text = said.mock.calls.join('\n');
  said.mockRestore();
  expect(text).toContain(passedReport.run.scenario);
});

describe('a suite is a folder of scenarios', () => {
  test('by name or by path, in the order of the files', async () => {
    for (const path of ['mine/02-b.yaml', 'mine/01-a.yaml', 'mine/notes.txt', 'other.yaml']) write(path);
    for (const name of ['mine', join(folder, 'mine'), `${join(folder, 'mine')}/`]) {
      const suite = await load(name);
      expect(suite.name).toBe('mine');
      expect(suite.scenarios.map((scenario) => scenario.name)).toEqual(['01-a', '02-b']);
    }
  });

  test('the first folder that has it wins', async () => {
    write('one/mine/a.yaml');
    write('two/mine/b.yaml');
    const { scenarios } = await load('mine', [join(folder, 'one'), join(folder, 'two')]);
    expect(scenarios.map((scenario) => scenario.name)).toEqual(['a']);
  });

  test('a missing or empty suite is refused, with a list of the others', async () => {
    write('claims/a.yaml');
    mkdirSync(join(folder, 'empty'));
    await expect(load('clams')).rejects.toMatchObject({
      message: 'there is no suite "clams"; did you mean "claims"?',
      hint: expect.stringContaining('suites here: claims;'),
    });
    await expect(load('empty')).rejects.toThrow('there is no suite "empty"');
    await expect(load('./nowhere')).rejects.toThrow('there is no suite "./nowhere"');
  });

  test('the problems of all its scenarios are reported at once', async () => {
    write('mine/a.yaml', 'name: a\nsumary: Some.\nhypothesis: [{ check: no-lost-writes }]\n');
    write('mine/b.yaml');
    write('mine/c.yaml', 'name: c\nsummary: Some.\nhypothesis: [{ check: no-lost-write }]\n');
    const error = await load('mine').catch((reason: unknown) => String(reason));
    expect(error).toMatch(/a\.yaml:2:1 .*did you mean "summary"\?/);
    expect(error).toMatch(/c\.yaml:3:\d+ .*did you mean "no-lost-writes"\?/);
  });
});

describe('a suite is a file that lists scenarios', () => {
  test('by name or by path, in its own order; paths are relative to its folder', async () => {
    for (const path of ['mine/a.yaml', 'mine/b.yaml', 'c.yaml']) write(path);
    write('all.suite.yaml', 'scenarios: [mine/b, ./c.yaml, mine/a]\n');
    for (const name of ['all', join(folder, 'all.suite.yaml')]) {
      const { name: called, scenarios } = await load(name);
      expect(called).toBe('all');
      expect(scenarios.map((scenario) => scenario.name)).toEqual(['b', 'c', 'a']);
    }
    expect(await listScenarios({ vocabulary, folders: [folder] })).not.toContainEqual(
      expect.objectContaining({ name: expect.stringContaining('all') }),
    );
  });

  test('its problems have places, and its scenarios must exist', async () => {
    write('one.suite.yaml', 'scenarios: []\nscenaros: [a]\n');
    await expect(load('one')).rejects.toThrow(
      /one\.suite\.yaml:2:1 unknown key "scenaros"; did you mean "scenarios"\?/,
    );
    write('two.suite.yaml', 'scenarios: [nowhere]\n');
    await expect(load('two')).rejects.toThrow('there is no scenario "nowhere"');
    await expect(load('three')).rejects.toMatchObject({ hint: expect.stringContaining('suites here: one, two;') });
  });

  test('it is not a scenario, and a scenario is not a suite', async () => {
    write('one.suite.yaml', 'scenarios: [a]\n');
    write('a.yaml');
    const file = join(folder, 'one.suite.yaml');
    await expect(loadScenario(file, { vocabulary, folders: [folder] })).rejects.toMatchObject({
      message: expect.stringMatching(/one\.suite\.yaml lists a suite/),
      hint: expect.stringContaining('--suite'),
    });
    await expect(load(join(folder, 'a.yaml'))).rejects.toThrow('there is no suite');
  });
});

describe('the suite ha', () => {
  const scenarios = resolve(import.meta.dirname, '../../scenarios');

  test('has every scenario under Patroni, and each asks for lost writes and two primaries', async () => {
    const suite = await load('ha', [scenarios]);
    const files = readdirSync(join(scenarios, 'patroni')).map((file) => basename(file, '.yaml'));
    expect(suite.scenarios.map(({ name }) => name).toSorted()).toEqual(files.toSorted());
    for (const { name, hypothesis } of suite.scenarios) {
      const checks = hypothesis.map(({ check }) => check);
      expect({ name, checks }).toEqual({ name, checks: expect.arrayContaining(['lost-writes', 'split-brain']) });
    }
  });

  test('if commits wait for a standby, no write may be lost', async () => {
    const { scenarios: all } = await load('ha', [scenarios]);
    const synchronous = all.filter(({ name }) => /-(sync|strict)$/.test(name));
    expect(synchronous.length).toBeGreaterThanOrEqual(6);
    for (const { name, cluster, hypothesis } of synchronous) {
      expect({ name, words: cluster.own?.inWords }).toEqual({ name, words: expect.stringContaining('; synchronous') });
      expect(hypothesis.find(({ check }) => check === 'lost-writes')?.params).toEqual({ max: 0 });
    }
  });
});

describe('the shipped claims', () => {
  const claims = resolve(import.meta.dirname, '../../scenarios/claims');

  test('are valid, quote the tested claim, and are short', async () => {
    const { scenarios } = await load(claims);
    expect(scenarios).toHaveLength(readdirSync(claims).length);
    expect(scenarios.length).toBeGreaterThanOrEqual(10);
    for (const { name, claim, faults } of scenarios) {
      expect({ name, claim }).toEqual({ name, claim: expect.stringMatching(/\w+ \w+/) });
      for (const fault of faults) expect(fault.forMs).toBeLessThanOrEqual(4_000);
    }
  });
});

const plain = (text: string) => text;
const colors = { bold: plain, dim: plain, green: plain, red: plain, yellow: plain };

function suite(runs: readonly SuiteRun[], planned = runs.length): Suite {
  return {
    version: 1,
    name: 'claims',
    startedAt: '2026-11-23T15:00:00.000Z',
    durationMs: 61_000,
    pgquakeVersion: '0.1.0',
    judgement: 'fail',
    planned,
    runs,
    again: 'npm run chaos -- --suite claims',
  };
}

const notRun: SuiteRun = {
  scenario: 'odd',
  summary: 'What | a\u001b[31mname.',
  judgement: 'unknown',
  finding: 'It could not be run: <no> port.',
  hypothesis: [],
};

describe('the table', () => {
  const runs = [suiteRunOf(passedReport, 'run-1'), suiteRunOf(failedReport, 'run 2'), notRun];

  test('on a terminal: claim, result, verdict, within its width', () => {
    for (const columns of [60, 80, 133]) {
      for (const line of suiteText(suite(runs), { colors, columns })) expect(line.length).toBeLessThanOrEqual(columns);
    }
    const text = suiteText(suite(runs, 5), { colors, columns: 100 }).join('\n');
    expect(text).toMatch(/^claim +what we saw +verdict\n/);
    expect(text).toMatch(/ holds\n/);
    expect(text).toMatch(/ does not hold\n/);
    expect(text).toMatch(/What \| a␛\[31mname\. +It could not be run: <no> port\. +not judged\n/);
    expect(text).toMatch(/\n5 scenarios in 1 min 01 s: 1 holds, 1 does not hold, 1 not judged, 2 not run\.$/);
  });

  test('as Markdown, with links to the reports and escaped text', () => {
    const { 'suite.md': text = '' } = suiteFiles(suite(runs));
    expect(text).toContain('✅ holds ([report](../run-1/report.md)) |');
    expect(text).toContain('❌ does not hold ([report](../run%202/report.md)) |');
    expect(text).toContain(
      '| What &#124; a␛\\[31mname. | What &#124; a␛\\[31mname. | It could not be run: &lt;no&gt; port. | ⚠️ not judged |',
    );
    const own = failedReport.results.filter(({ always }) => !always);
    for (const { observed } of own) expect(text).toContain(`${observed.slice(0, 20)}`);
    expect(text).toContain('```sh\nnpm run chaos -- --suite claims\n```');
  });

  const promises = [
    {
      loss: 'the agent of pg1 killed',
      promised: 'write outage via direct at most 1 s; acknowledged writes at risk: any after it, until healed',
      seen: 'write outage via direct for no time; two primaries for 24.1 s to 24.5 s',
    },
  ];
  const promised = suiteRunOf(passedReport, 'run-3');
  const ha = suite([{ ...promised, promises, lost: '1,832 of 5,199 acknowledged writes' }, notRun]);

  test('of runs with promises has what was promised, seen and lost', () => {
    for (const columns of [60, 109, 110, 200]) {
      for (const line of suiteText(ha, { colors, columns })) expect(line.length).toBeLessThanOrEqual(columns);
    }
    const text = suiteText(ha, { colors, columns: 200 });
    expect(text[0]).toMatch(/^claim +promised +seen +lost +verdict$/);
    expect(text[2]).toMatch(
      / write outage via direct at most 1 s; .* write outage via direct for no time; .* 1,832 of 5,199 .* holds$/,
    );
    const narrow = suiteText(ha, { colors, columns: 80 });
    expect(narrow[0]).toMatch(/^claim +what we saw +verdict$/);
    const words = narrow.map((line) => line.slice(20).trim()).join(' ');
    expect(words).toContain('lost: 1,832 of 5,199 acknowledged writes');
    const { 'suite.md': markdown = '' } = suiteFiles(ha);
    expect(markdown).toContain('| claim | promised | seen | lost | verdict |');
    expect(markdown).toMatch(/two primaries for 24\.1 s to 24\.5 s \| 1,832 of 5,199 acknowledged writes \| ✅ holds/);
    expect(markdown).toMatch(/\| nothing \| It could not be run: .* \| not known \| ⚠️ not judged \|/);
  });

  test('several losses in one run are shown separately', () => {
    const two = [...promises, { loss: 'pg1 killed', promised: 'p', seen: 's' }];
    const { 'suite.md': markdown = '' } = suiteFiles(suite([{ ...promised, promises: two }]));
    expect(markdown).toMatch(/\| with the agent of pg1 killed: write outage via .*\. with pg1 killed: p \|/);
  });

  test('as JSON it is the whole value', () => {
    expect(JSON.parse(suiteFiles(suite(runs))['suite.json'] ?? '')).toEqual(suite(runs));
  });

  test('keeps the cluster, and only the scenario’s own hypotheses', () => {
    const run = suiteRunOf(passedReport, 'run-1');
    expect(run.madeOn).toMatch(/^platform local, engine native, PostgreSQL /);
    expect(run.hypothesis).toHaveLength(passedReport.results.filter(({ always }) => !always).length);
    expect(run.finding).toBe(passedReport.finding);
  });
});
