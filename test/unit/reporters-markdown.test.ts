/** report.md: reads well on GitHub, says everything, and obeys nobody. */

import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { markdown } from '../../src/reporters/markdown.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';
import { ring } from '../support/sharded.ts';

const text = (report: Report) => markdown.render(report)['report.md'] as string;
const lines = (report: Report) => text(report).split('\n');

/** From a heading to the next one of the same or a higher level. */
function section(report: Report, heading: string): string {
  const all = lines(report);
  const level = heading.indexOf(' ');
  const from = all.indexOf(heading);
  expect(from, heading).toBeGreaterThan(-1);
  const to = all.findIndex((line, i) => i > from && /^#+ /.test(line) && line.indexOf(' ') <= level);
  return all.slice(from, to === -1 ? undefined : to).join('\n');
}

describe('report.md as a whole', () => {
  test('of a run that passed', () => {
    expect(text(passedReport)).toMatchSnapshot();
  });

  test('of a run that failed', () => {
    expect(text(failedReport)).toMatchSnapshot();
  });

  test('of a run that never began', () => {
    expect(text(emptyReport)).toMatchSnapshot();
  });

  test.each([
    ['passedReport', passedReport],
    ['failedReport', failedReport],
    ['emptyReport', emptyReport],
    ['hostileReport', hostileReport],
  ])('%s: tables are well-formed', (_, report) => {
    const all = withoutCode(text(report)).split('\n');
    for (const [i, line] of all.entries()) {
      const starts = line.startsWith('|') && !all[i - 1]?.startsWith('|');
      if (!starts) continue;
      expect(all[i - 1], 'a blank line before').toBe('');
      const end = all.findIndex((other, k) => k > i && !other.startsWith('|'));
      expect(all[end], 'a blank line after').toBe('');
      const rows = all.slice(i, end);
      expect(rows[1]).toMatch(/^\|( :?-:? \|)+$/);
      expect(new Set(rows.map((row) => row.split('|').length)).size, 'as many cells in each row').toBe(1);
    }
    expect(all.filter((line) => line.startsWith('# '))).toHaveLength(1);
    expect(text(report)).not.toMatch(/\n\n\n|NaN|Infinity|undefined|\bnull\b/);
  });
});

describe('the parts', () => {
  test.each([
    [passedReport, '# ✅ PASS: one-worker'],
    [failedReport, '# ❌ FAIL: too-hopeful'],
    [emptyReport, '# ⚠️ UNKNOWN: one-worker'],
  ])('the title holds the verdict', (report, title) => {
    expect(lines(report)[0]).toBe(title);
  });

  test('the claim is quoted, and left out where there is none', () => {
    expect(lines(passedReport)).toContain('> Can survive 1 worker failure with zero data loss');
    const { claim: _, ...run } = passedReport.run;
    expect(text({ ...passedReport, run })).not.toMatch(/^>/m);
  });

  test('evidence is folded below for what did not pass, and only for that', () => {
    const hypothesis = section(failedReport, '## Hypothesis');
    expect(hypothesis.match(/<details>/g)).toHaveLength(3);
    expect(hypothesis).toContain('<summary>❌ Evidence: no-lost-writes (scenarios/too-hopeful.yaml:10)</summary>');
    expect(hypothesis).toContain('- 1:211 lost: room 10, shard B, acknowledged at 4.117 s');
    expect(section(passedReport, '## Hypothesis')).not.toContain('<details>');
  });

  test('the timeline is in the order of time, with the proofs', () => {
    const shuffled = { ...passedReport, timeline: passedReport.timeline.toReversed() };
    const times = [...section(shuffled, '## Events').matchAll(/^\| ([\d.]+) s/gm)].map((match) => Number(match[1]));
    expect(times.length).toBeGreaterThan(8);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(section(passedReport, '## Events')).toContain(
      '**node-stop worker1 in effect after 96 ms** | postmaster 4711 and its 9 other processes are gone',
    );
  });

  test('the picture is shown where there is one', () => {
    expect(section(passedReport, '## Timeline')).toMatch(/^!\[[^\]]+\]\(timeline\.svg\)$/m);
    expect(text(emptyReport)).not.toContain('timeline.svg');
  });

  test('the shard table marks what was not as predicted', () => {
    const partitions = section(failedReport, '## Shards during the fault');
    expect(partitions).toContain('| no | none, 0 of 400 ok | no | **≠ some, 3 of 100 ok** |');
    expect(partitions).toContain('| yes | **≠ none, 0 of 100 ok** |');
    expect(section(passedReport, '## Shards during the fault')).not.toContain('≠');
    expect(section(passedReport, '## Shards during the fault')).toContain('Everything was as predicted.');
  });

  test('without a prediction its columns are left out', () => {
    const partitions = passedReport.figures.partitions.map((partition) => ({
      ...partition,
      predictedReadable: undefined,
      predictedWritable: undefined,
    }));
    const report = { ...passedReport, figures: { ...passedReport.figures, partitions } };
    expect(section(report, '## Shards during the fault')).not.toContain('predicted');
  });

  test('says 0 where nothing was lost, and counts with their rows where something was', () => {
    expect(section(passedReport, '## Data').match(/\| 0 \| \|/g)).toHaveLength(4);
    expect(section(failedReport, '## Data')).toContain(
      '| stale: a read missed a row that was already there, up to 1.23 s after its acknowledgement | **37** | `1:190`, `1:204`, `1:207`, … |',
    );
    expect(section(failedReport, '## Data')).toContain('-- lost: acknowledged, but in no final read\nSELECT seq, body');
  });

  test('without final reads nothing is said about loss', () => {
    const data = section(emptyReport, '## Data');
    expect(data).toContain('No final read was made');
    expect(data).toContain('| lost: acknowledged, but in no final read | not known |');
  });

  test('many shards are listed instead of a grid', () => {
    const topology = { ...passedReport.topology, partitions: 32 };
    const cluster = section({ ...passedReport, topology, placement: ring(topology) }, '## Cluster');
    expect(cluster).toContain('| worker1 | 16 | A, D, E, H, I,');
    expect(cluster).not.toContain('●');
  });

  test('what has no content says so in one line', () => {
    expect(section(emptyReport, '## Service').split('\n')).toEqual(['## Service', '', 'No load ran.', '']);
    expect(section(emptyReport, '## Errors').split('\n')).toEqual([
      '## Errors',
      '',
      'No operation ended with an error.',
      '',
    ]);
  });

  test('says how to run it again', () => {
    expect(section(passedReport, '## This run')).toContain(
      '```sh\nnpm run chaos -- scenarios/one-worker.yaml --seed 1234567\n```',
    );
  });
});

/** In a block of code everything is text. A block ends with the row of backticks that it began with. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^(`{3,})\w*\n[\s\S]*?\n\1$/gm, '');
}

describe('hostile text', () => {
  const shown = text(hostileReport);
  const outsideCode = withoutCode(shown);

  test('brings no HTML but that of the report', () => {
    const tags = new Set([...outsideCode.matchAll(/<\/?[a-z][^>]*>/gi)].map(([tag]) => tag));
    expect([...tags].filter((tag) => !/^<\/?(details|summary|code)>$/.test(tag))).toEqual([]);
    expect(shown).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  test('brings no heading, no control character, no image, no link, no mathematics', () => {
    const headings = (report: Report) => lines(report).filter((line) => line.startsWith('#')).length;
    expect(headings(hostileReport)).toBe(headings(failedReport));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    const own = '![Load, latency, nodes, shards and faults over the time of the run](timeline.svg)';
    expect(outsideCode.replace(own, '')).not.toMatch(/(?<!\\)\]\((?!#[a-z]+\))/);
    expect(outsideCode).not.toMatch(/http:\/\//);
    expect(outsideCode).not.toMatch(/\$/);
  });

  test('the command to run it again stays in its block of code', () => {
    expect(shown).toContain('run | `x` <script>alert(1)</script> # heading␛[31mred␀nul');
  });
});
