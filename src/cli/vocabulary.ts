/** The words that a scenario may use here, and where scenarios are looked for. */

import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks, engines, faults, platforms, workloads } from '../catalog.ts';
import type { ScenarioVocabulary } from '../scenario/schema.ts';

export const vocabulary: ScenarioVocabulary = {
  faults,
  checks,
  workloads,
  platforms: platforms.map((platform) => platform.name),
  engines: engines.map((engine) => engine.name),
};

const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/** The user's own scenarios come before the shipped ones. */
export const SCENARIO_FOLDERS: readonly string[] = [
  ...new Set([resolve('scenarios'), join(PACKAGE_FOLDER, 'scenarios')]),
];
