/** A suite on real servers: its runs, its table, its files and its exit code. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import type { Suite } from '../../src/model/suite.ts';
import { Workplace } from '../support/cli.ts';

function scenario(name: string, claim: string, fault: string, hypothesis: string): string {
  return `name: ${name}
summary: Workers of four are killed.
claim: ${claim}
cluster: { workers: 4, replication: 2, shards: 4 }
workload: { use: chat, rooms: 20, read: { rate: 40/s, deadline: 1s }, scan: { rate: 5/s, deadline: 1s }, write: { rate: 10/s, deadline: 1s } }
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - ${fault}
settle: { within: 300ms }
hypothesis:
  - ${hypothesis}
`;
}

/** Again, at most three times, where the machine was too busy to judge a run. */
async function runJudged(place: Workplace, folder: string) {
  for (let attempt = 1; ; attempt++) {
    const { code, stdout } = await place.run(['--suite', folder]);
    const own = readdirSync(place.reports)
      .filter((name) => name.endsWith('-suite-mine'))
      .sort()
      .at(-1) as string;
    const suite = JSON.parse(readFileSync(join(place.reports, own, 'suite.json'), 'utf8')) as Suite;
    if (attempt === 3 || suite.runs.every(({ judgement }) => judgement !== 'unknown'))
      return { code, stdout, suite, own };
  }
}

test('a suite makes one table of its runs, and the worst of them is its exit code', async () => {
  using place = new Workplace();
  const folder = join(place.folder, 'mine');
  mkdirSync(folder);
  const killed = '{ fault: node-kill, target: [worker1, worker2], for: 2s }';
  const flapping = '{ fault: node-flap, target: worker1, times: 2 }';
  writeFileSync(
    join(folder, 'a.yaml'),
    scenario('a', 'Two may fail', killed, '{ check: messages-readable, min: 100 }'),
  );
  writeFileSync(join(folder, 'b.yaml'), scenario('b', 'Nothing is lost', flapping, '{ check: no-lost-writes }'));

  const { code, stdout, suite, own } = await runJudged(place, folder);
  expect(suite).toMatchObject({ version: 1, name: 'mine', judgement: 'fail', planned: 2 });
  expect(suite.runs.map(({ scenario: name, judgement }) => [name, judgement])).toEqual([
    ['a', 'fail'],
    ['b', 'pass'],
  ]);
  expect(stdout).toMatch(/Two may fail .*does not hold\n/);
  expect(stdout).toMatch(/Nothing is lost .*holds\n/);
  expect(code).toBe(1);

  const names = readdirSync(place.reports);
  for (const { run } of suite.runs) expect(names).toContain(run);
  // What pgquake itself does to nodes is never told as somebody else's act.
  const flapped = JSON.parse(readFileSync(join(place.reports, suite.runs[1]?.run as string, 'report.json'), 'utf8'));
  const { timeline } = flapped as Report;
  expect(timeline.filter(({ type }) => type === 'healed')).toHaveLength(2);
  expect(timeline.filter(({ type }) => type === 'node-changed')).toEqual([]);
  const markdown = readFileSync(join(place.reports, own, 'suite.md'), 'utf8');
  expect(markdown).toContain(`(../${suite.runs[0]?.run}/report.md)`);
  expect(place.leftovers()).toEqual([]);
});

test('bad input starts nothing', async () => {
  using place = new Workplace();
  const unknown = await place.run(['--suite', 'clams']);
  expect(unknown.code).toBe(3);
  expect(unknown.stderr).toMatch(/there is no suite "clams"; did you mean "claims"\?/);
  const both = await place.run(['control', '--suite', 'claims']);
  expect(both.code).toBe(3);
  expect(both.stderr).toMatch(/--suite runs a whole suite; found control as well/);
});
