/**
 * The long form of the tests that kill pgquake at random moments of runs with several faults at once, heal, and
 * then look for everything that could be left: `npm run torture -- [options]`. Each number 0 leaves its part out.
 *
 * --moments   on the embedded cluster; 100 by default
 * --docker    on containers of the run's own; 25 by default, 0 without PGQUAKE_TEST_IMAGE
 * --patroni   under Patroni, where it is installed and on containers; 10 by default on each that is there
 * --attached  in runs attached to a cluster that stands; the same default
 * --inventory in runs on a cluster of an inventory, by ssh and by docker each; the same default
 * --signals   of SIGHUP, SIGQUIT and SIGUSR2 each, embedded, and attached where --attached is not 0; 20 by default
 * --disks     at which the disk of the reports fills, and hangs, embedded (as root) and attached likewise; 10 by default
 * --seed      which moments; 1 by default
 *
 * Exit code 0 where every moment was healed, 1 where one was not, 3 for wrong options.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** All files of it. */
const OWN = 'test/e2e/heal';
const ENDINGS = 'test/e2e/endings.test.ts';
const ATTACHED = 'test/integration/docker-standing.test.ts';
const INVENTORY = 'test/integration/attached.test.ts';
/** By ssh, and by docker. */
const WAYS = 2;
/** Part of the names of all tests that end runs, and of those that kill. */
const ENDS = 'at any of';
const KILLS = `after kill -9 ${ENDS}`;
/** SIGHUP, SIGQUIT and SIGUSR2. */
const SIGNALS = 3;
/** It fills, or hangs. */
const DISK_ENDS = 2;
const MAX_NUMBER = 1_000_000;

const onDocker = process.env.PGQUAKE_TEST_IMAGE ? '25' : '0';
const isInstalled = spawnSync('patroni', ['--version']).status === 0;
/** On which clusters under Patroni can be made. */
const WITH_PATRONI = (isInstalled ? 1 : 0) + (process.env.PGQUAKE_TEST_IMAGE ? 1 : 0);

type Option = 'moments' | 'docker' | 'patroni' | 'attached' | 'inventory' | 'signals' | 'disks' | 'seed';

function options(): Readonly<Record<Option, number>> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    options: {
      moments: text('100'),
      docker: text(onDocker),
      patroni: text(WITH_PATRONI > 0 ? '10' : '0'),
      attached: text(onDocker),
      inventory: text(onDocker),
      signals: text('20'),
      disks: text('10'),
      seed: text('1'),
    },
  });
  for (const [name, value] of Object.entries(values)) {
    if (/^\d+$/.test(value) && Number(value) <= MAX_NUMBER) continue;
    throw new Error(`--${name}: expected a whole number up to ${MAX_NUMBER}, found ${JSON.stringify(value)}`);
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)])) as ReturnType<
    typeof options
  >;
}

interface TestResult {
  readonly title: string;
  readonly status: string;
  readonly duration?: number;
}

/** Runs tests by their names; their own lines go through. */
function run(file: string, pattern: string | undefined, env: NodeJS.ProcessEnv): readonly TestResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-torture-'));
  try {
    const output = join(folder, 'results.json');
    const filter = pattern === undefined ? [] : ['--testNamePattern', pattern];
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
    spawnSync('npx', ['vitest', 'run', file, ...filter, ...reporters], {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as {
      testResults: { assertionResults: TestResult[] }[];
    };
    return testResults.flatMap(({ assertionResults }) => assertionResults);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function torture(): void {
  const { moments, docker, patroni, attached, inventory, signals, disks, seed } = options();
  const inContainers = docker + attached + inventory;
  if (inContainers > 0 && !process.env.PGQUAKE_TEST_IMAGE) {
    throw new Error('containers need PGQUAKE_TEST_IMAGE to name an image; .ci/docker/images.sh makes one');
  }
  const env = {
    PGQUAKE_TORTURE_MOMENTS: String(moments),
    PGQUAKE_TORTURE_DOCKER_MOMENTS: String(docker),
    PGQUAKE_TORTURE_PATRONI_MOMENTS: String(patroni),
    ...(patroni > 0 && isInstalled ? { PGQUAKE_REQUIRE_PATRONI: '1' } : {}),
    PGQUAKE_TORTURE_SIGNAL_MOMENTS: String(signals),
    PGQUAKE_TORTURE_DISK_MOMENTS: String(disks),
    PGQUAKE_TORTURE_SEED: String(seed),
    ...(inContainers > 0 ? { PGQUAKE_REQUIRE_DOCKER: '1' } : {}),
  };
  const results = [
    ...(moments + docker + patroni > 0 ? run(OWN, KILLS, env) : []),
    ...(signals + disks > 0 ? run(ENDINGS, ENDS, env) : []),
    // Its other tests make the cluster that the runs attach to.
    ...(attached > 0 ? run(ATTACHED, undefined, { ...env, PGQUAKE_TORTURE_DOCKER_MOMENTS: String(attached) }) : []),
    ...(inventory > 0 ? run(INVENTORY, KILLS, { ...env, PGQUAKE_TORTURE_INVENTORY_MOMENTS: String(inventory) }) : []),
  ].filter(({ title, status }) => title.includes(ENDS) && status !== 'skipped' && status !== 'pending');
  const underPatroni = patroni > 0 ? WITH_PATRONI : 0;
  const kills =
    [moments, docker, attached].filter((count) => count > 0).length + underPatroni + (inventory > 0 ? WAYS : 0);
  const places = attached > 0 ? 2 : 1;
  const ofDisks = disks > 0 && process.getuid?.() === 0 ? DISK_ENDS : 0;
  const wanted = kills + places * ((signals > 0 ? SIGNALS : 0) + ofDisks);
  for (const { title, status, duration = 0 } of results) {
    console.log(`${status}: ${title} (seed ${seed}, ${Math.round(duration / 1_000)} s)`);
  }
  const passed = results.filter(({ status }) => status === 'passed').length;
  console.log(
    `torture: ${moments + docker + WITH_PATRONI * patroni + attached + WAYS * inventory} kills, ${signals} of each signal and ${disks} disks that fill and hang asked for, ${passed} of ${wanted} parts passed`,
  );
  process.exitCode = passed === wanted ? 0 : 1;
}

try {
  torture();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 3;
}
