/** The placement that the command line asks for. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileProblem, InputError } from '../model/errors.ts';
import { type Layout, layOut, type Shape } from '../plan/tolerance/layouts.ts';
import { checkPlacement, checkShape, type PlacementInput, parsePlacement } from '../plan/tolerance/placement-input.ts';
import type { Quake } from '../quake.ts';
import { textOf as decoded, readRegular } from '../regular-file.ts';
import { datasetOf } from '../run/probes.ts';
import { findFormed, notFormed, recognisedBy } from '../run/standing.ts';
import { standingClusters, standingData, untilInterrupted } from './standing.ts';

/** The options that choose a placement. */
export interface AskedPlacement {
  workers: number | undefined;
  replication: number | undefined;
  shards: number | undefined;
  layout: Layout | undefined;
  placement: string | undefined;
  attach: string | undefined;
}

/** @returns the placement from a file, from a running cluster, or laid out from the options. */
export async function placementOf(
  quake: Quake,
  args: AskedPlacement,
  seed: number,
): Promise<PlacementInput & { origin: string }> {
  if (args.placement !== undefined) {
    const file = await fileOf(args.placement);
    return { ...parsePlacement(await textOf(file), file), origin: `from ${file}` };
  }
  if (args.attach !== undefined) return placementOfStanding(quake, args.attach);
  const { layout = 'ring' } = args;
  const shape = shapeOf(args);
  const origin = { ring: 'as a ring', random: `at random (seed ${seed})`, groups: 'in disjoint groups' }[layout];
  return { placement: layOut(layout, shape, seed), origin };
}

/** @returns the placement that a running cluster reports; workers that are down or hold nothing are included. */
export async function placementOfStanding(quake: Quake, project: string): Promise<PlacementInput & { origin: string }> {
  return untilInterrupted(async (signal) => {
    const data = standingData();
    const nodes = await standingClusters().attach(project, { isWhole: recognisedBy(quake.catalog.engines) });
    const found = await findFormed(nodes, quake.catalog.engines, datasetOf(data.workload, data.params), signal);
    if (!found) throw notFormed(project, data);
    const placement = {
      ...found.cluster.placement,
      workers: nodes.all.map(({ name }) => name).filter((name) => name !== found.cluster.placement.entry),
    };
    checkPlacement(placement, `cluster ${project}`);
    return { placement, engine: found.engine.name, origin: `as the cluster ${project} has them` };
  });
}

export function shapeOf({ workers = 4, replication = 2, shards: partitions = workers }: AskedPlacement): Shape {
  const shape: Shape = { workers, replication, partitions };
  checkShape(shape);
  return shape;
}

/** The shape that a scenario can describe; a run that attaches compares it with the cluster. */
export function shapeOfStanding({ placement: { workers, partitions } }: PlacementInput): Shape {
  return {
    workers: workers.length,
    replication: partitions[0]?.copies.length ?? 1,
    partitions: partitions.length,
  };
}

async function fileOf(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return found.isDirectory() ? join(path, 'report.json') : path;
}

async function textOf(file: string): Promise<string> {
  try {
    return decoded(await readRegular(file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(path: string, cause: unknown): InputError {
  return new InputError(`--placement: cannot read ${path}: ${fileProblem(cause)}`, {
    code: 'placement-unreadable',
    hint: "name a placement's JSON file, a run's folder or its report.json",
    cause,
  });
}
