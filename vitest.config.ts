import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Their files wait half of the time: for a fault to last, for a container to start. */
const SIDE_BY_SIDE_WORKERS = availableParallelism();
/** Files that expect no verdict of a run and no figure: several at a time. The slowest first, so that none runs on alone. */
const SIDE_BY_SIDE = [
  'test/integration/patroni.test.ts',
  'test/contract/parts.test.ts',
  'test/integration/docker-standing.test.ts',
  'test/contract/faults-docker.test.ts',
  'test/e2e/endings.test.ts',
  'test/e2e/heal.test.ts',
  'test/contract/roles.test.ts',
  'test/integration/docker-platform.test.ts',
  'test/integration/docker-mishaps.test.ts',
  'test/contract/faults-local.test.ts',
  'test/e2e/heal-docker.test.ts',
  'test/e2e/heal-patroni.test.ts',
  'test/contract/platforms.test.ts',
  'test/e2e/html-report.test.ts',
  'test/integration/foreign-act.test.ts',
  'test/integration/docker-foreign-act.test.ts',
  'test/contract/network.test.ts',
  'test/contract/engines.test.ts',
  'test/contract/workloads.test.ts',
  'test/e2e/bad-input.test.ts',
  'test/e2e/index-page.test.ts',
  'test/e2e/interrupting.test.ts',
  'test/e2e/prove.test.ts',
  'test/e2e/replay.test.ts',
  'test/e2e/stored-run.test.ts',
  'test/integration/attached.test.ts',
  'test/integration/citus-engine.test.ts',
  'test/integration/citus-faults.test.ts',
  'test/integration/docker-network.test.ts',
  'test/integration/docker-session.test.ts',
  'test/integration/docker-unavailable.test.ts',
  'test/integration/docker-undo.test.ts',
  'test/integration/docker-workload.test.ts',
  'test/integration/healing-verified.test.ts',
  'test/integration/late-targets.test.ts',
  'test/integration/local-platform.test.ts',
  'test/integration/local-reclaim.test.ts',
  'test/integration/local-relay.test.ts',
  'test/integration/native-engine.test.ts',
  'test/integration/owner.test.ts',
  'test/integration/package.test.ts',
  'test/integration/route-follows.test.ts',
  'test/integration/streaming-engine.test.ts',
];
/** Files whose runs are judged and ask little of the machine: two at a time, the slowest first. */
const IN_PAIRS = [
  'test/e2e/patroni.test.ts',
  'test/integration/docker-scenarios.test.ts',
  'test/e2e/scenarios.test.ts',
  'test/e2e/observations.test.ts',
  'test/e2e/local-network.test.ts',
  'test/e2e/own-sql.test.ts',
  'test/e2e/ci.test.ts',
  'test/e2e/coordinator-trouble.test.ts',
  'test/e2e/suite.test.ts',
  'test/integration/planted-harm.test.ts',
  'test/integration/recovery.test.ts',
  'test/integration/witness.test.ts',
];
/**
 * Every other file runs alone, because clusters compete for the machine, and a run on a machine that did not keep up is
 * not judged.
 */
const ON_CLUSTERS = ['test/{contract,integration,e2e}/**/*.test.ts'];
const CLUSTER_LIMIT_MS = 120_000;

/** By the lists above; files that they do not name come last. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = [...SIDE_BY_SIDE, ...IN_PAIRS].indexOf(relative(import.meta.dirname, moduleId));
      return index === -1 ? Number.POSITIVE_INFINITY : index;
    };
    const sorted = await super.sort(files);
    // Not a difference: two of those that come last have none.
    return sorted.toSorted((a, b) => Number(place(a) > place(b)) - Number(place(a) < place(b)));
  }
}

// Projects run one after the other, in their `groupOrder`. `--mode thorough` is `npm run test:all`.
export default defineConfig(({ mode }) => ({
  test: {
    reporters: ['default', './test/support/scope-reporter.ts'],
    env: { PGQUAKE_TEST_THOROUGH: mode === 'thorough' ? '1' : '' },
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/support/properties.ts'],
          // The examples import the package by its name.
          alias: [{ find: /^pgquake$/, replacement: join(import.meta.dirname, 'src/index.ts') }],
          testTimeout: 30_000,
          // Loading src/ anew for every file took longer than its tests.
          isolate: false,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'smoke',
          include: ['test/smoke/**/*.test.ts'],
          testTimeout: CLUSTER_LIMIT_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'side-by-side',
          include: SIDE_BY_SIDE,
          testTimeout: CLUSTER_LIMIT_MS,
          hookTimeout: CLUSTER_LIMIT_MS,
          maxWorkers: SIDE_BY_SIDE_WORKERS,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'in-pairs',
          include: IN_PAIRS,
          testTimeout: CLUSTER_LIMIT_MS,
          hookTimeout: CLUSTER_LIMIT_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ON_CLUSTERS,
          exclude: [...SIDE_BY_SIDE, ...IN_PAIRS],
          testTimeout: CLUSTER_LIMIT_MS,
          hookTimeout: CLUSTER_LIMIT_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
}));
