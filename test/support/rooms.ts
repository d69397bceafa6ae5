/** The rooms of src/, from top to bottom: what lives in each, and what it may import. docs/architecture.md shows them. */

export interface Room {
  /** Files and folders, the latter with a slash at the end. */
  readonly names: readonly string[];
  readonly holds: string;
  /** Rooms in backticks, or words: `everything below`, `nothing`, `contracts`, `the variants`. */
  readonly mayImport: string;
}

const room = (names: readonly string[], holds: string, mayImport: string): Room => ({ names, holds, mayImport });

export const ROOMS: readonly Room[] = [
  room(['cli/'], 'the command line: one file per command, the live view, exit codes', 'everything below'),
  room(['index.ts'], 'the public API for use as a library', 'everything below'),
  room(['vitest.ts'], 'the matcher `toPass`, exported as `pgquake/vitest`', 'everything below'),
  room(
    ['contract.ts', 'contract/'],
    'what every variant promises, as suites, exported as `pgquake/contract`',
    'everything below',
  ),
  room(['config.ts'], '`pgquake.config.ts`: loaded and validated', 'everything below'),
  room(['pgquake.ts'], '`pgquake(own variants)`: the whole pipeline on one page', 'everything below'),
  room(['retries.ts'], 'runs again what a busy machine kept from being judged', 'everything below'),
  room(['quake.ts'], 'the types of the public API', 'everything below'),
  room(['prove.ts'], 'a proof of tolerance: a scenario for each set of workers, on one cluster', 'everything below'),
  room(['proven-set.ts'], 'what one run of a proof shows', '`measure/`, `plan/`, `model/`'),
  room(['run-parts.ts'], 'what a run imports on demand, before it breaks anything', 'everything below'),
  room(['choose.ts'], 'which platform and engine, and why', 'everything below'),
  room(['own-variants.ts'], 'own variants beside the shipped ones, each validated first', '`catalog.ts`, `model/`'),
  room(['catalog.ts'], 'the shipped variants as one value, and the type `Catalog`', 'the variants, `cluster/`'),
  room(
    ['planner.ts'],
    'from a scenario and the variants it names to a plan',
    'contracts, `scenario/`, `cluster/`, `plan/`, `model/`',
  ),
  room(['load-thread.ts'], "entry of the load generator's thread", '`run/`, contracts, `sql/`, `model/`'),
  room(['witness-thread.ts'], "entry of the witness's thread", '`run/`, `sql/`, `model/`'),
  room(
    ['scenario/'],
    'YAML to a validated scenario, with places for errors',
    'contracts, `plan/`, `cluster/`, `regular-file.ts`, `model/`',
  ),
  room(
    ['run/'],
    'phases, load generator, injector, recorder, undo journal, final reads',
    'contracts, `operations-file.ts`, `plan/`, `cluster/`, `sql/`, `disk/`, `regular-file.ts`, `model/`',
  ),
  room(['run-index.ts'], 'the index of all runs, on disk', '`store.ts`, `disk/`, `regular-file.ts`, `model/`'),
  room(
    ['store.ts'],
    'run folders below `reports/`',
    '`operations-file.ts`, `version-1.ts`, `disk/`, `regular-file.ts`, `model/`',
  ),
  room(
    ['operations-file.ts', 'operations-file/'],
    'operations on disk, an Arrow stream',
    '`version-1.ts`, `disk/`, `regular-file.ts`, `model/`',
  ),
  room(['version-1.ts'], 'what runs of version 1 hold, in the words of this version', '`model/`'),
  room(
    ['judge.ts', 'report.ts'],
    'History to Verdict, History and Verdict to Report',
    'contracts, `measure/`, `model/`',
  ),
  room(['faults/'], 'one file per fault', '`cluster/`, `sql/`, `model/`'),
  room(['workloads/'], 'one file per workload', '`cluster/`, `sql/`, `regular-file.ts`, `model/`'),
  room(
    ['platforms/'],
    'where nodes run and how they are broken',
    '`cluster/`, `sql/`, `disk/`, `home-folder.ts`, `make-folder.ts`, `regular-file.ts`, `model/`',
  ),
  room(['engines/'], 'how nodes become one cluster; placements; prediction', '`cluster/`, `sql/`, `model/`'),
  room(['checks/'], 'one file per check, pure', '`measure/`, `model/`'),
  room(['reporters/'], 'one file per format, pure', '`plan/`, `measure/`, `model/`'),
  room(['measure/'], 'figures of a run from its history, pure', '`model/`'),
  room(['plan/'], 'schedule, targets, random picks, pure', '`model/`'),
  room(
    ['cluster/'],
    'the interfaces that faults, platforms and engines share: platform, engine, health',
    '`sql/`, `model/`',
  ),
  room(['sql/'], 'connections, statements, what an error proves', '`model/`'),
  room(
    ['disk/'],
    'file operations of a run, in a process that may hang with its disk',
    '`make-folder.ts`, `regular-file.ts`, `model/`',
  ),
  room(['find-config.ts'], 'where a config file is looked for', 'nothing'),
  room(['home-folder.ts'], "the user's home folder and cache", '`model/`'),
  room(['make-folder.ts'], 'folders with their parents', 'nothing'),
  room(['regular-file.ts'], 'files that a user names, read without hanging', 'nothing'),
  room(['model/'], 'types and small pure functions', 'nothing'),
];
