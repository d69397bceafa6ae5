import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files whose clients measure what a fault does, with oracles that a busy machine would mislead: one for each processor. */
const SIDE_BY_SIDE = [
  'test/contract/faults-docker.test.ts',
  'test/contract/parts.test.ts',
  'test/contract/faults-local.test.ts',
  'test/contract/roles.test.ts',
  'test/contract/platforms.test.ts',
  'test/contract/network.test.ts',
  'test/integration/local-relay.test.ts',
];
/**
 * Files whose runs are judged: two at a time, because a run on a machine that did not keep up is not judged. Proofs, which
 * ask most, are beside real Patroni, which waits; and beside a lost DCS, at which every member is asked, what asks little.
 */
const IN_PAIRS = [
  'test/e2e/patroni.test.ts',
  'test/e2e/prove.test.ts',
  'test/e2e/frozen-worker.test.ts',
  'test/e2e/local-network.test.ts',
  'test/e2e/scenarios.test.ts',
  'test/e2e/patroni-local.test.ts',
  'test/e2e/patroni-dcs.test.ts',
  'test/e2e/coordinator-trouble.test.ts',
  'test/e2e/starved-client.test.ts',
  'test/integration/planted-harm.test.ts',
  'test/integration/docker-scenarios.test.ts',
  'test/e2e/own-sql.test.ts',
  'test/e2e/ramp.test.ts',
  'test/e2e/observations.test.ts',
  'test/e2e/ci.test.ts',
  'test/e2e/suite.test.ts',
];
/** The main job, which `npm test` runs alone. */
const SMOKE = 'test/smoke/one-worker.test.ts';
/** Files that mostly wait and expect no verdict: one at a time, as `.ci/run` has them beside those that measure. */
const SLEEPING = [
  'test/integration/attached-patroni.test.ts',
  'test/integration/docker-mishaps.test.ts',
  'test/integration/docker-foreign-act.test.ts',
  'test/integration/foreign-act.test.ts',
  'test/integration/two-engines.test.ts',
  'test/e2e/heal-docker.test.ts',
];
/** Files that expect no verdict: three at a time, which wait for the most part. */
const WAITING = [
  'test/integration/attached.test.ts',
  'test/integration/docker-standing.test.ts',
  'test/e2e/endings.test.ts',
  'test/integration/patroni.test.ts',
  'test/contract/patroni.test.ts',
  'test/e2e/prove-unjudged.test.ts',
  'test/integration/docker-platform.test.ts',
  'test/e2e/heal-patroni.test.ts',
  'test/e2e/heal.test.ts',
  'test/integration/guides.test.ts',
  'test/e2e/guards.test.ts',
  'test/e2e/interrupting.test.ts',
  'test/e2e/replay.test.ts',
  'test/integration/docker-network.test.ts',
  'test/integration/docker-undo.test.ts',
  'test/integration/docker-unavailable.test.ts',
  'test/integration/docker-session.test.ts',
  'test/integration/docker-workload.test.ts',
  'test/integration/late-targets.test.ts',
  'test/integration/attached-bare.test.ts',
];
/** Files in which no load has to be borne, those without clusters first: with the processor time that others leave in `.ci/run`. */
const BACKGROUND = [
  'test/e2e/html-report.test.ts',
  'test/e2e/index-page.test.ts',
  'test/integration/package.test.ts',
  'test/e2e/stored-run.test.ts',
  'test/e2e/bad-input.test.ts',
  'test/integration/relay-churn.test.ts',
  'test/integration/local-platform.test.ts',
  'test/integration/native-engine.test.ts',
  'test/integration/streaming-engine.test.ts',
  'test/integration/recovery.test.ts',
  'test/integration/witness.test.ts',
  'test/contract/engines.test.ts',
  'test/contract/workloads.test.ts',
  'test/integration/citus-engine.test.ts',
  'test/integration/citus-faults.test.ts',
  'test/integration/healing-verified.test.ts',
  'test/integration/local-reclaim.test.ts',
  'test/integration/owner.test.ts',
  'test/integration/route-follows.test.ts',
];
const LISTED = [...SIDE_BY_SIDE, ...IN_PAIRS, SMOKE, ...SLEEPING, ...WAITING, ...BACKGROUND];
/** Every other file runs alone, because clusters compete for the machine: a judged one that had starved beside others. */
const ON_CLUSTERS = ['test/{contract,integration,e2e}/**/*.test.ts'];
const CLUSTER_LIMIT_MS = 120_000;

/** By the lists above, so that no slow file runs on alone; files that they do not name come last. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LISTED.indexOf(relative(import.meta.dirname, moduleId));
      return index === -1 ? Number.POSITIVE_INFINITY : index;
    };
    const sorted = await super.sort(files);
    // Not a difference: two of those that come last have none.
    return sorted.toSorted((a, b) => Number(place(a) > place(b)) - Number(place(a) < place(b)));
  }
}

interface Group {
  readonly include: string[];
  readonly exclude?: string[];
  /** Files at a time. */
  readonly maxWorkers: number;
  /** When it has its turn. */
  readonly group: number;
}

function onClusters(name: string, { group, ...which }: Group): TestProjectConfiguration {
  const limits = { testTimeout: CLUSTER_LIMIT_MS, hookTimeout: CLUSTER_LIMIT_MS };
  return { extends: true, test: { name, ...which, ...limits, sequence: { groupOrder: group } } };
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
          // Some wait for what does not come, for seconds.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      ...(mode === 'thorough' ? [] : [onClusters('smoke', { include: [SMOKE], maxWorkers: 1, group: 1 })]),
      onClusters('in-pairs', {
        include: mode === 'thorough' ? [...IN_PAIRS, SMOKE] : IN_PAIRS,
        maxWorkers: 2,
        group: 2,
      }),
      onClusters('side-by-side', { include: SIDE_BY_SIDE, maxWorkers: availableParallelism(), group: 3 }),
      onClusters('sleeping', { include: SLEEPING, maxWorkers: 1, group: 4 }),
      onClusters('waiting', { include: WAITING, maxWorkers: 3, group: 5 }),
      onClusters('background', { include: BACKGROUND, maxWorkers: 1, group: 6 }),
      onClusters('alone', { include: ON_CLUSTERS, exclude: LISTED, maxWorkers: 1, group: 7 }),
    ],
  },
}));
