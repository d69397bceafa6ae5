/** The matrix of a proof, predicted against observed, as text, as Markdown and as a picture. */

import type { SuiteRun } from '../model/suite.ts';
import { formatDuration } from '../model/units.ts';
import type { Proof, ProofRuns, ProvenPartition, ProvenSubset } from '../plan/proof.ts';
import { plural } from '../plan/tolerance/format.ts';
import { type Block, left, line, list, right, section, type Table, table } from './document.ts';
import { documentMarkdown } from './document-markdown.ts';
import { documentText } from './document-text.ts';
import { htmlText } from './escape.ts';
import { suiteFiles, suiteOf, suiteRunOf } from './suite.ts';

/** With more partitions, the matrix has counts instead of a column for each. */
const MAX_PARTITION_COLUMNS = 16;
const MAX_FINDINGS = 20;

const PICTURE = 'proof.svg';

/** @returns file name -> content for the proof's folder: the proof, and its runs as a suite. */
export function proofFiles(proof: Proof, { reports, ...runs }: ProofRuns): Readonly<Record<string, string>> {
  const { startedAt, durationMs } = proof;
  const found = reports.map((report) => setOf(proof, suiteRunOf(report, report.run.id)));
  return {
    ...suiteFiles(suiteOf({ name: 'tolerance', startedAt, durationMs, ...runs, runs: found })),
    'proof.json': `${JSON.stringify(proof, null, 2)}\n`,
    'proof.md': proofMarkdown(proof, PICTURE),
    [PICTURE]: proofSvg(proof),
  };
}

/** One row of the suite, with the proof's finding, which covers less than the run's own report. */
function setOf({ subsets, partitionWord }: Proof, run: SuiteRun): SuiteRun {
  const { judgement, findings } = subsets.find((subset) => subset.run === run.run) as ProvenSubset;
  const finding = findings.length === 0 ? `Every ${partitionWord} is as predicted.` : findings.join('; ');
  return { ...run, judgement, finding };
}

/** @returns lines without colours or line breaks. */
export function proofText(proof: Proof, columns: number): string[] {
  return documentText(blocksOf(proof), columns);
}

/** @param picture the file name of the SVG beside it, shown below the matrix. */
export function proofMarkdown(proof: Proof, picture: string): string {
  const alt = `Matrix of sets of workers and ${proof.partitionWord}s`;
  return documentMarkdown([...blocksOf(proof), { type: 'picture', name: 'matrix', alt, file: picture }]);
}

function blocksOf(proof: Proof): Block[] {
  const { workers, replication, partitions } = proof.topology;
  const findings = proof.subsets.flatMap((subset) =>
    subset.findings.map((finding) => `${downInWords(subset)} down: ${finding}`),
  );
  const shown = findings.slice(0, MAX_FINDINGS);
  if (findings.length > shown.length) shown.push(`and ${findings.length - shown.length} more`);
  return [
    { type: 'title', text: `Proof of tolerance: ${proof.judgement}. ${proof.finding}` },
    line(
      `${plural(workers, 'worker')}, ${plural(partitions, proof.partitionWord)}, replication ${replication}; engine ${proof.engine} on platform ` +
        `${proof.platform}; fault ${proof.fault}; predicted by ${proof.predictedBy}. ` +
        `${plural(proof.subsets.length, 'set')} of workers in ${formatDuration(proof.durationMs)} on ${proof.attached === undefined ? plural(proof.clusters, 'cluster') : `the cluster ${proof.attached}`}.` +
        (proof.pruned ? ' Only one of several symmetric sets was tried.' : ''),
    ),
    section(`Where the ${proof.partitionWord}s are`, [
      list(proof.placement.slice(0, MAX_PARTITION_COLUMNS).map(({ name, copies }) => `${name}: ${copies.join(', ')}`)),
    ]),
    section('Observed', [
      line(
        'rw: read and write served; r-: only the read; -w: only the write; --: neither. If it differs from the prediction, the prediction follows in brackets after "not".',
      ),
      matrix(proof),
    ]),
    ...(shown.length === 0 ? [] : [section('Findings', [list(shown)])]),
  ];
}

function matrix({ subsets, placement, pruned }: Proof): Table {
  const columns = placement.length <= MAX_PARTITION_COLUMNS ? placement.map(({ name }) => name) : undefined;
  const cells = ({ partitions }: ProvenSubset) =>
    columns
      ? columns.map((name) => cell(partitions.find(({ partition }) => partition === name)))
      : [
          `${partitions.filter(({ readable }) => readable).length} of ${placement.length}`,
          `${partitions.filter(({ writable }) => writable).length} of ${placement.length}`,
        ];
  return table(
    [
      ...['down', ...(columns ?? ['readable', 'writable'])].map(left),
      ...(pruned ? [right('stands for')] : []),
      left('as predicted'),
    ],
    subsets.map((subset) => [
      downInWords(subset),
      ...cells(subset),
      ...(pruned ? [plural(subset.standsFor, 'set')] : []),
      { pass: 'yes', fail: 'NO', unknown: 'not judged' }[subset.judgement],
    ]),
  );
}

function downInWords({ down }: ProvenSubset): string {
  return down.join(' + ');
}

function cell(partition: ProvenPartition | undefined): string {
  if (!partition) return '?';
  const seen = access(partition);
  const promised = access(partition.predicted);
  return seen === promised ? seen : `${seen} (not ${promised})`;
}

function access({ readable, writable }: { readonly readable: boolean; readonly writable: boolean }): string {
  return `${readable ? 'r' : '-'}${writable ? 'w' : '-'}`;
}

const CELL = 26;
const HEAD = 28;
const LEGEND = 60;
/** A generous width of a character in 12 px sans-serif. */
const CHARACTER = 7;

/** @returns an SVG document: a row for each set, a column for each partition; left half reads, right half writes. */
export function proofSvg(proof: Proof): string {
  const names = proof.subsets.map(downInWords);
  const label = 16 + CHARACTER * Math.max(12, ...names.map((name) => name.length));
  const width = Math.max(label + CELL * proof.placement.length + 16, 560);
  const height = HEAD + 24 + CELL * proof.subsets.length + LEGEND;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${htmlText(`Proof of tolerance: ${proof.finding}`)}</title>`,
    `<style>text{fill:#1f2328}.page{fill:#fff}.yes{fill:#2da44e}.no{fill:#8c959f}.none{fill:#eaeef2}.wrong{fill:none;stroke:#cf222e;stroke-width:3}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.no{fill:#484f58}.none{fill:#21262d}}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text x="8" y="18" font-weight="bold">${htmlText(`${proof.judgement}: ${proof.finding}`.slice(0, Math.floor(width / CHARACTER)))}</text>`,
    ...proof.placement.map(({ name }, c) =>
      text(label + CELL * c + CELL / 2 - 1, HEAD + 16, name, 'text-anchor="middle"'),
    ),
    ...proof.subsets.flatMap((subset, r) => row(proof, subset, label, HEAD + 24 + CELL * r)),
    ...legend(height - LEGEND + 20),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function row({ placement, partitionWord }: Proof, subset: ProvenSubset, label: number, y: number): string[] {
  return [
    text(8, y + 17, downInWords(subset)),
    ...placement.flatMap(({ name }, c) => {
      const partition = subset.partitions.find((each) => each.partition === name);
      const x = label + CELL * c;
      const half = (served: boolean | undefined, left: number) =>
        `<rect class="${served === undefined ? 'none' : served ? 'yes' : 'no'}" x="${left}" y="${y + 2}" width="${CELL / 2 - 2}" height="${CELL - 4}"/>`;
      const wrong = partition !== undefined && access(partition) !== access(partition.predicted);
      return [
        `<g><title>${htmlText(`${downInWords(subset)} down, ${partitionWord} ${name}: ${cell(partition)}`)}</title>`,
        half(partition?.readable, x),
        half(partition?.writable, x + CELL / 2 - 1),
        wrong ? `<rect class="wrong" x="${x - 1}" y="${y + 1}" width="${CELL - 1}" height="${CELL - 2}"/></g>` : '</g>',
      ];
    }),
  ];
}

function legend(y: number): string[] {
  const entries = [
    ['yes', 'served (left: read, right: write)', 0],
    ['no', 'not served', 230],
    ['wrong', 'other than predicted', 330],
  ] as const;
  return entries.flatMap(([kind, words, x]) => [
    `<rect class="${kind}" x="${x + 10}" y="${y}" width="14" height="14"/>`,
    text(x + 30, y + 12, words),
  ]);
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${htmlText(words)}</text>`;
}
