/** The main job on the embedded cluster, from the command line to the reports: the one real run of `npm test`. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

test('one-worker passes: all 500 messages stay readable, the worker is healed, and nothing is left behind', async () => {
  using place = new Workplace();
  const { code, stdout, stderr } = await place.runJudged(['one-worker']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/PASS/);

  const report = place.report();
  expect(report.judgement).toBe('pass');
  expect(report.results.filter((result) => !result.always).map((result) => result.check)).toEqual([
    'messages-readable',
    'availability',
    'no-lost-writes',
    'recovery-time',
    'replicas-agree',
  ]);
  const effect = report.timeline.find((event) => event.type === 'fault-in-effect');
  expect(effect).toMatchObject({ proof: expect.stringMatching(/worker1: .*SQL refused \(ECONNREFUSED\)/) });
  const healed = report.timeline.find((event) => event.type === 'healed');
  expect(healed).toMatchObject({ proof: expect.stringMatching(/^worker1: .*accepts SQL$/) });
  expect(report.ledger?.acknowledged).toBeGreaterThan(400);
  expect(report.ledger?.lost.count).toBe(0);

  const files = readdirSync(join(place.reports, 'latest'));
  expect(files).toEqual(
    expect.arrayContaining([
      'events.ndjson',
      'logs',
      'operations.arrow',
      'plan.json',
      'report.json',
      'report.md',
      'run.json',
      'scenario.yaml',
      'undo.ndjson',
    ]),
  );
  const markdown = readFileSync(join(place.reports, 'latest', 'report.md'), 'utf8');
  expect(markdown).toMatch(/^# /);
  expect(markdown).toContain('messages-readable');
  expect(place.leftovers()).toEqual([]);
});
