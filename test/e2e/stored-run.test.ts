/** The commands on stored runs, which need no cluster: judge, report, export. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pgquake } from '../../src/pgquake.ts';
import { Workplace } from '../support/cli.ts';
import { buildHistory } from '../support/history-builder.ts';
import { copyOf, storeHistory } from '../support/stored-run.ts';

let reports: string;
let whole: string;

beforeAll(async () => {
  reports = mkdtempSync(join(tmpdir(), 'pgquake-stored-'));
  whole = await storeHistory(reports, buildHistory(), ['no-lost-writes', 'replicas-agree']);
  await pgquake().judge(whole);
});

afterAll(() => {
  rmSync(reports, { recursive: true });
});

describe('on the command line', () => {
  const STRICTER = `name: stricter
summary: More messages than there were.
hypothesis:
  - { check: messages-readable, min: 500 }
`;

  test('judge prints the verdict alone to standard output as JSON, words to standard error', async () => {
    using place = new Workplace();
    const folder = copyOf(whole, join(place.folder, 'run'));
    const { code, stdout, stderr } = await place.start(['judge', folder, '--output', 'json']).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      judgement: 'pass',
      runs: [{ folder: 'run', judgement: 'pass' }],
    });
    expect(stderr).toMatch(/^PASS {2}written$/m);
    const text = await place.start(['judge', folder]).ended;
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^PASS {2}written$/m);
  });

  test('judge --scenario holds a run against another hypothesis, and writes nothing', async () => {
    using place = new Workplace();
    const folder = copyOf(whole, join(place.folder, 'run'));
    for (const name of ['report.json', 'report.html']) rmSync(join(folder, name));
    const scenario = place.scenario('stricter', STRICTER);
    const { code, stdout } = await place.start(['judge', folder, '--scenario', scenario]).ended;
    expect(stdout).toMatch(/judged by the hypothesis of stricter\.yaml; nothing was written/);
    expect(stdout).toMatch(/✘ messages-readable/);
    expect(code).toBe(1);
    expect(readdirSync(folder)).not.toContain('report.json');
  });

  test('report renders again, --index makes the index, export writes EDN', async () => {
    using place = new Workplace();
    const folder = copyOf(whole, join(place.folder, 'reports', 'run'));
    rmSync(join(folder, 'report.html'));
    const rendered = await place.start(['report', folder, '--index']).ended;
    expect(rendered).toMatchObject({ code: 0, stderr: '' });
    expect(rendered.stdout).toMatch(/^reports\/run\/report\.html$/m);
    expect(rendered.stdout).toMatch(/^reports\/index\.html: 1 run$/m);
    expect(readdirSync(folder)).toContain('report.html');
    const exported = await place.start(['export', folder]).ended;
    expect(exported).toMatchObject({ code: 0, stdout: 'reports/run/history.edn\n' });
    expect(readFileSync(join(folder, 'history.edn'), 'utf8')).toMatch(/^\{:index 0, :time \d+, :type :invoke, /);
  });

  test.each(['judge', 'report', 'export'])(
    '%s of a damaged run ends with 3, an error and no verdict',
    async (command) => {
      using place = new Workplace();
      const folder = copyOf(whole, join(place.folder, 'run'));
      for (const name of ['events.ndjson', 'report.json']) truncateSync(join(folder, name), 500);
      writeFileSync(join(folder, 'events.ndjson'), 'not\n');
      const { code, stdout, stderr } = await place.start([command, folder]).ended;
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(/not a readable run of pgquake: /);
    },
  );
});
