/** The closing words on the terminal. */

import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { plainText } from '../../src/reporters/escape.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { textWidth } from '../../src/reporters/text-layout.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';

const FOLDER = 'reports/2026-11-23T13-22-54Z-one-worker';
const lines = (report: Report, columns = 100, color = false) =>
  terminalSummary(report, { colors: pc.createColors(color), columns, folder: FOLDER });

describe('terminalSummary', () => {
  test('of a run that passed', () => {
    expect(lines(passedReport).join('\n')).toMatchInlineSnapshot(`
      "
      ✔ messages-readable    500 of 500 messages readable
                             expected: at least 500 messages readable during the fault
      ✔ availability read    99.812 %: 1,597 of 1,600 ok
                             expected: at least 99 % of read operations ok in the fault span
      ✔ no-lost-writes       all 637 acknowledged writes and 500 initial messages found
                             expected: every acknowledged write and every initial message found by the
                             final reads
      ✔ recovery-time write  241 ms ± 20 ms
                             expected: writes are normal within 10 s of the fault taking effect
      ✔ replicas-agree       all 8 placements of 4 shards agree, 104 ms after the load stopped
                             expected: every placement of a shard holds the same messages, each once and
                             intact
      ✔ also: no-duplicates, content-intact, fault-took-effect, healed, load-kept-its-schedule

        read   99.812 % ok during the fault; no outage, no brownout
        scan   100 % ok during the fault; no outage, no brownout
        write  97.037 % ok during the fault; back to normal 241 ms ± 20 ms after the fault
                 outage of 240 ms ± 20 ms, from 4.102 s to 4.342 s: 12 failed (seen by load)

      All 500 messages stayed readable; writes failed for 240 ms; recovered 241 ms after the fault took
      effect; no acknowledged write was lost.

      PASS  one-worker

      reports  reports/2026-11-23T13-22-54Z-one-worker/report.html
               reports/2026-11-23T13-22-54Z-one-worker/report.json
      again    npm run chaos -- scenarios/one-worker.yaml --seed 1234567"
    `);
  });

  test('of a run that failed', () => {
    expect(lines(failedReport).join('\n')).toMatchInlineSnapshot(`
      "
      ✘ messages-readable  250 of 500 messages readable
                           expected: at least 500 messages readable during the fault
          - shard B (worker2, worker3): none of 125 messages readable: rooms 2, 6, 10, 14, 18, 22, 26, 30
            and 17 more
          - shard C (worker3, worker4): none of 125 messages readable: rooms 3, 7, 11, 15, 19, 23, 27, 31
            and 17 more
      ✘ no-lost-writes     2 of 421 acknowledged writes lost
                           expected: every acknowledged write and every initial message found by the final
                           reads
          - 1:207 lost: room 6, shard B, acknowledged at 4.098 s
          - 1:211 lost: room 10, shard B, acknowledged at 4.117 s
      ? availability read  no read was intended in the settle span
                           expected: at least 99 % of read operations ok in the settle span
      ? healed             NOT HEALED: node-stop on worker2, worker3, worker4
                           expected: every fault undone, and its nodes seen to work again
          - node-stop on worker2, worker3, worker4: worker3 does not accept SQL: ECONNREFUSED
      ✔ also: no-duplicates, content-intact, fault-took-effect, load-kept-its-schedule

        read   99.812 % ok during the fault; back to normal 8.28 s ± 5 ms after the fault
                 shard B: outage of 8.28 s ± 40 ms, from 4.110 s to 12.390 s: 404 failed (seen by load)
        scan   100 % ok during the fault; not back to normal within the run
                 outage of 8.28 s ± 200 ms, from 4.110 s to 12.390 s: 41 failed (seen by load)
        write  97.037 % ok during the fault
                 shard B: outage of 8.28 s ± 40 ms, from 4.110 s to 12.390 s: 101 failed (seen by load)

      Messages-readable failed: 250 of 500 messages readable (expected: at least 500 messages readable
      during the fault), and 3 more checks; only 250 of 500 messages stayed readable (shards A and D);
      scans failed for 8.28 s; scans had not recovered when the load stopped; 2 messages were lost.

      If worker2, worker3, worker4 stay away, these commands on the coordinator restore all copies:
      -- worker2 first
      SELECT citus_disable_node('worker2', 5432);

      FAIL  too-hopeful

      reports  reports/2026-11-23T13-22-54Z-one-worker/report.html
               reports/2026-11-23T13-22-54Z-one-worker/report.json
      again    npm run chaos -- scenarios/too-hopeful.yaml --seed 1234567"
    `);
  });

  test('of a run that never began, on a narrow terminal', () => {
    expect(lines(emptyReport, 60).join('\n')).toMatchInlineSnapshot(`
      "
      ? run-completed  the run failed: worker2 did not start: no
                       space left on device
                       expected: the run goes to its end

      No load ran.

      Could not judge: run-completed: the run failed: worker2 did
      not start: no space left on device.

      UNKNOWN  one-worker

      reports  reports/2026-11-23T13-22-54Z-one-worker/report.html
               reports/2026-11-23T13-22-54Z-one-worker/report.json
      again    npm run chaos -- scenarios/one-worker.yaml --seed 1234567"
    `);
  });

  test('a wide terminal has expected and observed on one line', () => {
    expect(lines(passedReport, 140)).toContain(
      '✔ messages-readable    500 of 500 messages readable (expected: at least 500 messages readable during the fault)',
    );
  });

  test.each([40, 60, 80, 100, 140])('no line is wider than %i columns but for paths and commands', (columns) => {
    for (const report of [passedReport, failedReport, emptyReport, hostileReport]) {
      const commands = report.timeline.flatMap((event) => (event.type === 'repair' ? event.commands : []));
      const all = lines(report, columns);
      const wide = all
        .slice(0, -3)
        .filter((line) => textWidth(line) > columns && !commands.map(plainText).includes(line));
      expect(wide).toEqual([]);
    }
  });

  test('marks and verdict are coloured, where colours are wanted', () => {
    const coloured = lines(failedReport, 100, true);
    expect(coloured).toContain(`${pc.createColors(true).red(pc.createColors(true).bold('FAIL  too-hopeful'))}`);
    expect(coloured.some((line) => line.startsWith('\u001b[31m✘\u001b[39m messages-readable'))).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for
    expect(lines(failedReport).join('\n')).not.toMatch(/\u001b/);
  });

  test('text of servers cannot do anything to the terminal', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(lines(hostileReport).join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  test('many windows of a kind are not all listed', () => {
    const [window] = failedReport.figures.windows;
    const windows = Array.from({ length: 9 }, (_, i) => ({
      ...(window as NonNullable<typeof window>),
      fromMs: 5_000 + i,
      durationMs: 1_000 * (i + 1),
    }));
    const shown = lines({ ...failedReport, figures: { ...failedReport.figures, windows } });
    expect(shown.flatMap((line) => /outage of (\d) s/.exec(line)?.[1] ?? [])).toEqual(['6', '7', '8', '9']);
    expect(shown.some((line) => line.endsWith('and 5 shorter'))).toBe(true);
  });
});
