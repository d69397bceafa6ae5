/** A proof of tolerance from the first server to its files: chooses where, runs it, keeps what was found. */

import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { engines, faults } from '../catalog.ts';
import { choose } from '../experiment.ts';
import type { EngineChoice, PlatformChoice } from '../model/scenario.ts';
import { placedBy, predictBy } from '../model/service-rule.ts';
import { type Topology, workerNames } from '../model/topology.ts';
import { formatDuration } from '../model/units.ts';
import type { Proof, ProvenSubset } from '../plan/proof.ts';
import { plainText } from '../reporters/escape.ts';
import { proofMarkdown, proofSvg } from '../reporters/proof.ts';
import { prove } from '../run/prover.ts';
import { createRunFolder } from '../store.ts';

/** A frozen node is not down: it neither answers nor refuses, and no rule here speaks of it. */
export const DOWN_FAULTS = ['node-kill', 'node-stop'] as const;

/** A cluster keeps about so many cores busy while it restarts. */
const CORES_PER_CLUSTER = 4;
const MAX_CLUSTERS = 4;
const PICTURE = 'proof.svg';

export interface ProveToleranceOptions {
  readonly topology: Topology;
  readonly maxDown: number;
  readonly fault: string;
  /** The engine whose rule is held against what is seen; by default the one that runs. */
  readonly rule: string | undefined;
  readonly symmetric: boolean;
  /** As many as the cores allow where it is left out. */
  readonly clusters: number | undefined;
  readonly platform: PlatformChoice | undefined;
  readonly engine: EngineChoice | undefined;
  readonly reportsFolder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/**
 * Runs a proof and keeps it as `proof.json`, `proof.md` and `proof.svg` in a folder of its own.
 * @throws EnvironmentError, or the signal's reason; nothing runs on in either case.
 */
export async function proveTolerance(options: ProveToleranceOptions): Promise<{ proof: Proof; folder: string }> {
  const { topology, maxDown, rule, symmetric, signal, onProgress } = options;
  const cluster = { ...topology, platform: options.platform ?? 'auto', engine: options.engine ?? 'auto' } as const;
  const { platform, engine, reason } = await choose({ scenario: { cluster }, acts: [{ fault: options.fault }] });
  onProgress(`platform ${platform.name}, engine ${engine.name}: ${reason}`);
  const fault = faults.find(({ name }) => name === options.fault);
  if (!fault) throw new Error(`no fault "${options.fault}" in the catalogue`);
  const other = engines.find(({ name }) => name === rule);
  const folder = await createRunFolder(options.reportsFolder, 'tolerance', new Date());
  const proof = await prove({
    topology,
    platform,
    engine,
    fault,
    maxDown,
    ...(other === undefined
      ? {}
      : {
          predict: (placement, down) =>
            predictBy(other.rule, placedBy(other.rule, { workers: workerNames(topology), ...placement }), down),
          predictedBy: `rule ${other.name}`,
        }),
    symmetric,
    clusters:
      options.clusters ?? Math.max(1, Math.min(MAX_CLUSTERS, Math.floor(availableParallelism() / CORES_PER_CLUSTER))),
    folder,
    signal,
    onSubset: (subset, done, planned) => onProgress(progressLine(subset, done, planned)),
  });
  await writeFile(join(folder, 'proof.json'), `${JSON.stringify(proof, null, 2)}\n`);
  await writeFile(join(folder, 'proof.md'), proofMarkdown(proof, PICTURE));
  await writeFile(join(folder, PICTURE), proofSvg(proof));
  return { proof, folder };
}

function progressLine(subset: ProvenSubset, done: number, planned: number): string {
  const words = { pass: 'as predicted', fail: 'NOT as predicted', unknown: 'not judged' }[subset.judgement];
  const took = formatDuration(subset.strikeMs + subset.probeMs + subset.healMs);
  const why = subset.findings[0] === undefined ? '' : `: ${plainText(subset.findings[0])}`;
  return `${String(done).padStart(String(planned).length)}/${planned}  ${subset.down.join(' + ')} down: ${words}${why} (${took})`;
}
