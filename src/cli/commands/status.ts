/** `pgquake status`: shows nodes, partitions and health of the cluster from `up`. */

import pc from 'picocolors';
import type { Dataset } from '../../cluster/engine.ts';
import type { NodeSurvey, PartitionSurvey, Survey } from '../../cluster/survey.ts';
import { partitionsWordOf, partitionWordOf } from '../../model/partition-words.ts';
import { plainText } from '../../reporters/escape.ts';
import { hanging, padTo, textWidth } from '../../reporters/text-layout.ts';
import { datasetOf } from '../../run/probes.ts';
import { type Found, recognisedBy, surveyStanding } from '../../run/standing.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { FORMAT_OPTION, type FormatArguments } from '../options.ts';
import { endWith } from '../own-exit.ts';
import { printJson } from '../print-json.ts';
import {
  PROJECT_OPTION,
  type ProjectArguments,
  standingClusters,
  standingData,
  standingEngines,
  untilInterrupted,
} from '../standing.ts';

export const status: Command<ProjectArguments & FormatArguments> = {
  builder: (yargs) =>
    yargs.options(PROJECT_OPTION).options(FORMAT_OPTION).example('$0 status', 'is the cluster from "up" healthy?'),
  handler: ({ project, output }) =>
    untilInterrupted(async (signal) => {
      const { workload, params } = standingData();
      const dataset = datasetOf(workload, params);
      const nodes = await standingClusters().attach(project, { isWhole: recognisedBy(standingEngines()) });
      const { survey, found } = await surveyStanding(nodes, standingEngines(), dataset, signal);
      if (output === 'json')
        printJson({ project, ...engineOf(found), healthy: survey.problems.length === 0, ...survey });
      else for (const line of statusLines(project, survey, { found, dataset })) console.log(line);
      endWith(survey.problems.length === 0 ? EXIT.pass : EXIT.fail);
    }),
};

function engineOf(found: Found | undefined): { readonly engine?: string; readonly version?: string } {
  if (!found) return {};
  const { version } = found.cluster;
  return { engine: found.engine.name, ...(version === undefined ? {} : { version }) };
}

function statusLines(
  project: string,
  survey: Survey,
  { found, dataset }: { readonly found: Found | undefined; readonly dataset: Dataset },
): string[] {
  const { nodes, tables, partitions, replication } = survey;
  const names = dataset.tables.map(({ name }) => name);
  const { entry, partitionWord: word } = found?.cluster.placement ?? {};
  const engine = found ? [`engine ${found.engine.name}`, found.cluster.version].filter(Boolean).join(', ') : undefined;
  const factor = replication === undefined ? undefined : `replication factor ${replication}`;
  const title = [engine, factor].filter((part) => part !== undefined).join(', ');
  return [
    `${pc.bold(plainText(project))}  ${plainText(title)}`.trimEnd(),
    '',
    ...columns(
      ['node', 'state', 'address', 'server'],
      nodes.map(({ name, state, address, version, refusal }) => [
        name,
        state,
        address,
        version ?? (state === 'running' ? (refusal ?? '') : '-'),
      ]),
    ),
    ...(partitions.length === 0
      ? []
      : [
          '',
          ...columns(
            [partitionWordOf(word), 'replicas', 'on', ...names],
            partitions.map((partition) => partitionLine(partition, names)),
          ),
          '',
          ...columns(
            ['node', partitionsWordOf(word), ...names],
            nodes.filter(({ name }) => name !== entry).map((node) => workerLine(node, partitions, names)),
          ),
          '',
          ...columns(
            ['table', 'rows'],
            tables.map(({ name, rows }) => [name, rows === undefined ? '?' : String(rows)]),
          ),
        ]),
    '',
    ...verdictLines(survey, partitionWordOf(word)),
  ];
}

/** Row counts of the copies: `?` if none could be counted, `115/114` if they differ. */
function partitionLine({ name, copies: placements }: PartitionSurvey, tables: readonly string[]): string[] {
  const readable = placements.filter(({ rows }) => rows !== undefined);
  const replicas =
    readable.length === placements.length ? `${placements.length}` : `${readable.length} of ${placements.length}`;
  const counts = tables.map((table) => [...new Set(readable.map(({ rows }) => rows?.[table] ?? '?'))].join('/') || '?');
  return [name, replicas, placements.map(({ node }) => node).join(', '), ...counts];
}

function workerLine({ name }: NodeSurvey, partitions: readonly PartitionSurvey[], tables: readonly string[]): string[] {
  const held = partitions.flatMap((partition) =>
    partition.copies.filter(({ node }) => node === name).map(({ rows }) => ({ partition: partition.name, rows })),
  );
  const counts = tables.map((table) =>
    held.some(({ rows }) => rows === undefined)
      ? '?'
      : String(held.reduce((sum, { rows }) => sum + (rows?.[table] ?? 0), 0)),
  );
  return [name, held.map(({ partition }) => partition).join(', ') || 'none', ...counts];
}

function verdictLines({ problems }: Survey, word: string): string[] {
  if (problems.length === 0)
    return [`${pc.green('healthy')}  every node serves, and all copies of every ${word} are present`];
  const width = process.stdout.columns ?? 100;
  return [pc.red('not healthy'), ...problems.flatMap((problem) => hanging('  ', plainText(problem), width))];
}

/** Aligns columns of numbers to the right. */
function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(plainText));
  const widths = head.map((title, i) => Math.max(textWidth(title), ...cells.map((row) => textWidth(row[i] ?? ''))));
  const isNumber = (cell: string) => /^[\d?/]+$/.test(cell);
  const numeric = head.map((_, i) => i > 1 && cells.every((row) => isNumber(row[i] ?? '')));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => {
        const width = widths[i] as number;
        return numeric[i] ? ' '.repeat(width - textWidth(cell)) + cell : padTo(cell, width);
      })
      .join('  ')
      .trimEnd();
  return [pc.dim(line(head)), ...cells.map(line)];
}
