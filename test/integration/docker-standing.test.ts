/** The everyday commands on a real engine: a cluster that stands, as a person starts, looks at and removes it. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededIndex } from '../../src/plan/random.ts';
import { DockerClient } from '../../src/platforms/docker/client.ts';
import { mustRun } from '../../src/platforms/docker/helper.ts';
import type { DockerNode } from '../../src/platforms/docker/node.ts';
import { attach } from '../../src/platforms/docker/nodes.ts';
import { Session } from '../../src/sql/session.ts';
import { type Ended, Workplace } from '../support/cli.ts';
import { dockerMissing, engine, traces } from '../support/docker.ts';
import { LoopDisk } from '../support/loop-disk.ts';

/** How often pgquake is killed; PGQUAKE_TORTURE_DOCKER_MOMENTS in the long form. */
const MOMENTS = Number(process.env.PGQUAKE_TORTURE_DOCKER_MOMENTS ?? 1);
/** The same of other ends. */
const SIGNAL_MOMENTS = Number(process.env.PGQUAKE_TORTURE_SIGNAL_MOMENTS ?? 1);
/** What ends a run on any cluster is tested in `endings`; so one is enough for a short test. */
const SIGNALS = (
  [
    ['SIGQUIT', [130, 0, 2]],
    ['SIGHUP', [130, 0, 2]],
    ['SIGUSR2', [0, 2]],
  ] as const
).slice(0, process.env.PGQUAKE_TORTURE_SIGNAL_MOMENTS === undefined ? 1 : undefined);
const DISK_MOMENTS = Number(process.env.PGQUAKE_TORTURE_DISK_MOMENTS ?? 1);
/** About as long as the run takes that they end. */
const ATTACHED_RUN_MS = 10_000;
const SEED = Number(process.env.PGQUAKE_TORTURE_SEED ?? 1);

const missing = await dockerMissing('test/integration/docker-standing.test.ts');
const project = `standing-${randomBytes(4).toString('hex')}`;

describe.skipIf(missing !== undefined)('a cluster that stands', () => {
  let place: Workplace;

  beforeAll(() => {
    place = new Workplace();
  });

  afterAll(async () => {
    await pgquake('down', '--volumes');
    place[Symbol.dispose]();
  });

  /** Any free port: that of the cluster people start may be taken. */
  function pgquake(command: string, ...args: string[]): Promise<Ended> {
    const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE, PGQUAKE_PORT: '0' };
    return place.start([command, '--project', project, ...args], env).ended;
  }

  /** The platform is not named: what attaches finds it. */
  function attached(file: string): Promise<Ended> {
    return place.start([file, '--attach', project, '--reports', place.reports]).ended;
  }

  test('is not there before it was started', async () => {
    const { code, stderr } = await pgquake('status');
    expect(code).toBe(4);
    expect(stderr).toContain(`there is no cluster ${project} in Docker`);
  });

  test('is not made over containers that are not marked, which are named', async () => {
    const name = `${project}_worker1`;
    const stranger = await engine.createContainer({
      Image: process.env.PGQUAKE_TEST_IMAGE as string,
      name,
      Labels: { 'com.docker.compose.project': project },
    });
    try {
      for (const command of ['up', 'down']) {
        const { code, stderr } = await pgquake(command);
        expect(code, command).toBe(4);
        expect(stderr, command).toContain(`not touched: container ${name}`);
      }
      expect((await stranger.inspect()).Name).toBe(`/${name}`);
    } finally {
      await stranger.remove({ force: true, v: true });
    }
  });

  test('comes up formed and healthy; its password is for its owner alone', async () => {
    const { code, stdout, stderr } = await pgquake('up');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('formed now');
    const file = join(place.folder, '.env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^POSTGRES_PASSWORD=[\w-]{32}$/m);
    const status = await pgquake('status');
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/^A +2 +worker1, worker2 /m);
    expect(status.stdout).toMatch(/^messages +500$/m);
    expect(status.stdout).toMatch(/^healthy /m);
  });

  test('its tolerance is computed from where its shards are', async () => {
    const { code, stdout, stderr } = await place.start(['tolerance', '--attach', project, '--output', 'json']).ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const map = JSON.parse(stdout);
    expect(map).toMatchObject({ rule: 'native', workers: 4, partitions: 4, copies: [{ copies: 2, partitions: 4 }] });
    expect(map.reads.rows[1].fatal).toMatchObject({ count: '4', method: 'exact' });
    expect(map.reads.smallestFatal.sets).toContainEqual({
      workers: ['worker1', 'worker2'],
      cutsOff: 1,
      partitions: ['A'],
    });
  });

  test('up again changes nothing', async () => {
    const password = readFileSync(join(place.folder, '.env'), 'utf8');
    const { code, stdout } = await pgquake('up');
    expect(code).toBe(0);
    expect(stdout).toContain('already formed');
    expect(readFileSync(join(place.folder, '.env'), 'utf8')).toBe(password);
  });

  test('connect answers a statement, and ends as psql does', async () => {
    expect(await pgquake('connect', '--', '-Atc', 'SELECT count(*) FROM messages')).toMatchObject({
      code: 0,
      stdout: '500\n',
    });
    expect((await pgquake('connect', '--', '-c', 'SELECT 1/0')).code).toBe(1);
  });

  test('logs prints what the servers print', async () => {
    const { code, stdout } = await pgquake('logs', 'worker1');
    expect(code).toBe(0);
    expect(stdout).toContain('ready to accept connections');
  });

  test('runs attach to it one after the other, and leave it standing; a worker that somebody stops opens the report', async () => {
    const expectJudged = ({ code, stdout, stderr }: Ended) => {
      // A machine that is too busy for the load keeps the run from a verdict, not from its end.
      expect([0, 2], stdout + stderr).toContain(code);
      expect(place.report().ledger?.acknowledged).toBeGreaterThan(0);
      expect(place.report().ledger?.lost.count).toBe(0);
    };
    expectJudged(await attached(place.scenario('short', SHORT)));
    expectJudged(await stoppedBySomebody());
    const { finding, results, judgement } = place.report();
    expect(finding).toMatch(/^Worker3 was stopped at .*, and not by pgquake/);
    expect(judgement).toBe('unknown');
    for (const check of ['healed', 'fault-took-effect']) {
      expect(results.find((one) => one.check === check)?.judgement).toBe('unknown');
    }
    const { stdout } = await pgquake('connect', '--', '-Atc', 'SELECT DISTINCT writer FROM messages ORDER BY 1');
    expect(stdout).toBe('0\n1\n2\n');
    await expect.poll(async () => (await pgquake('status')).code, { timeout: 60_000 }).toBe(0);
  });

  /** A run of some seconds, in which worker3 is stopped and started behind pgquake's back. */
  async function stoppedBySomebody(): Promise<Ended> {
    const longer = SHORT.replace('name: short', 'name: longer').replace('for: 1s }\nset', 'for: 6s }\nset');
    const running = place.start([place.scenario('longer', longer), '--attach', project, '--reports', place.reports]);
    let said = '';
    running.stdout?.on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000, interval: 50 }).toMatch(/in effect/);
    const container = engine.getContainer(`${project}_worker3`);
    await container.stop({ t: 5 });
    await sleep(1_500);
    await container.start();
    return running.ended;
  }

  test('a scenario for another data set or another cluster is refused', async () => {
    for (const [name, text, said] of [
      [
        'other-data',
        SHORT.replace('short', 'other-data').replace('workload: {', 'workload: { messages-per-room: 6,'),
        'data set',
      ],
      ['other-cluster', SHORT.replace('short', 'other-cluster').concat('cluster: { workers: 3 }\n'), '3 workers'],
    ] as const) {
      const { code, stderr } = await attached(place.scenario(name, text));
      expect(code, stderr).toBe(4);
      expect(stderr, name).toContain(said);
    }
  });

  /** What acts leave on nodes, as far as it is left, in words. */
  async function tracesOfActs(): Promise<string[]> {
    const { all } = await attach({ project });
    const found = all.map(async (node) => {
      const ask = async (text: string) => {
        await using session = await Session.connect(node.address(), {
          applicationName: 'test',
          connectTimeoutMs: 5_000,
        });
        return JSON.stringify(await session.query(text, [], { timeoutMs: 5_000 }));
      };
      const seen = await node.resources?.seen();
      const sessions = `SELECT application_name FROM pg_stat_activity WHERE application_name ~ '^pgquake-[0-9a-f]{8}'`;
      return {
        state: await node.state(),
        networks: (await node.attachments?.list())?.length,
        rules: await rulesIn((node as DockerNode).containerId),
        limits: [seen?.cpuShare, seen?.memoryBytes],
        readOnly: await ask('SHOW default_transaction_read_only'),
        sessions: await ask(sessions),
      };
    });
    const well = {
      state: 'running',
      networks: 1,
      rules: '',
      limits: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      readOnly: '[["off"]]',
      sessions: '[]',
    };
    const broken = (await Promise.all(found)).filter((node) => !isDeepStrictEqual(node, well));
    const containers = await engine.listContainers({
      all: true,
      filters: { label: ['pgquake.mark', `pgquake.project=${project}`] },
    });
    return [...broken.map((node) => JSON.stringify(node)), ...containers.map(({ Id }) => `helper ${Id}`)];
  }

  function rulesIn(containerId: string): Promise<string> {
    return mustRun(DockerClient.fromEnvironment(), {
      what: 'look at the rules',
      image: process.env.PGQUAKE_TEST_IMAGE as string,
      containerId,
      script: 'iptables -S | grep -v "^-P" || true; tc qdisc show | grep -e tbf -e netem || true',
    });
  }

  test(
    `after kill -9 at any of ${MOMENTS} moments of a run that is attached, heal undoes what it owed`,
    async () => {
      const random = seededIndex(SEED);
      const file = place.scenario('broken', BROKEN);
      let owed = 0;
      for (let moment = 1; moment <= MOMENTS; moment++) {
        const running = place.start([file, '--attach', project, '--reports', place.reports]);
        const strikes = moment === 1 ? ACTS : random(ACTS + 1);
        const begun = new Promise<void>((resolve) => {
          let printed = '';
          running.stdout?.on('data', (text: string) => {
            printed += text;
            if ((printed.match(/in effect/g)?.length ?? 0) >= strikes) resolve();
          });
        });
        await Promise.race([begun, running.ended]);
        const afterMs = random(1_000);
        await sleep(afterMs);
        running.kill('SIGKILL');
        await running.ended;

        const healed = await place.start(['heal', '--reports', place.reports]).ended;
        const context = `moment ${moment} of seed ${SEED}, ${afterMs} ms after ${strikes} strikes\n${healed.stdout}${healed.stderr}`;
        expect(healed.code, context).toBe(0);
        if (/undone: /.test(healed.stdout))
          expect(healed.stdout, context).toContain('verified: replication has caught up');
        owed += healed.stdout.match(/undone: /g)?.length ?? 0;
        if (moment === 1) expect(healed.stdout.match(/undone: /g), context).toHaveLength(ACTS);
        expect(await tracesOfActs(), context).toEqual([]);
        const again = await place.start(['heal', '--reports', place.reports]).ended;
        expect(again.stdout, context).toContain('nothing was left behind');
        await expect.poll(async () => (await pgquake('status')).stdout, { timeout: 60_000 }).toMatch(/^healthy /m);
      }
      console.log(`attached: ${MOMENTS} x kill -9, seed ${SEED}: ${owed} nodes healed, nothing left of any act`);
    },
    60_000 * (MOMENTS + 1),
  );

  /** Starts a run that is attached, and ends it by `end` at a random moment after its first words. */
  async function ended(file: string, reports: string, atMs: number, end: (pid: number) => void): Promise<Ended> {
    const running = place.start([file, '--attach', project, '--reports', reports]);
    await Promise.race([new Promise((said) => running.stdout?.once('data', said)), running.ended]);
    await sleep(atMs);
    if (running.exitCode === null) end(running.pid as number);
    return running.ended;
  }

  async function expectPutBack(reports: string, context: string): Promise<void> {
    expect(await tracesOfActs(), context).toEqual([]);
    const healed = await place.start(['heal', '--reports', reports]).ended;
    expect(healed.stdout, context).toContain('nothing was left behind');
    await expect.poll(async () => (await pgquake('status')).stdout, { timeout: 60_000 }).toMatch(/^healthy /m);
  }

  test.skipIf(SIGNAL_MOMENTS === 0).each(SIGNALS)(
    `%s at any of ${SIGNAL_MOMENTS} moments of a run that is attached: the cluster is put back`,
    async (signal, codes) => {
      const random = seededIndex(SEED);
      const file = place.scenario('broken', BROKEN.replaceAll('for: 20s', 'for: 3s'));
      const ends: (number | null)[] = [];
      for (let moment = 1; moment <= SIGNAL_MOMENTS; moment++) {
        const atMs = random(ATTACHED_RUN_MS);
        const { code, stdout, stderr } = await ended(file, place.reports, atMs, (pid) => process.kill(pid, signal));
        const context = `moment ${moment} of seed ${SEED}, after ${atMs} ms\n${stdout}${stderr}`;
        expect(codes, context).toContain(code);
        await expectPutBack(place.reports, context);
        ends.push(code);
      }
      console.log(`attached: ${SIGNAL_MOMENTS} x ${signal}: nothing left of any act; exit codes ${ends.join(' ')}`);
    },
    60_000 * (SIGNAL_MOMENTS + 1),
  );

  test.skipIf(DISK_MOMENTS === 0 || process.getuid?.() !== 0).each([
    ['fills', (disk: LoopDisk) => disk.fill()],
    ['hangs', (disk: LoopDisk) => disk.freeze()],
  ] as const)(
    `a disk of the reports %s at any of ${DISK_MOMENTS} moments of a run that is attached: the cluster is put back`,
    async (how, strike) => {
      const random = seededIndex(SEED);
      const file = place.scenario('broken', BROKEN.replaceAll('for: 20s', 'for: 3s'));
      const reports = join(place.folder, `disk-that-${how}`);
      using disk = new LoopDisk(reports);
      const ends: (number | null)[] = [];
      for (let moment = 1; moment <= DISK_MOMENTS; moment++) {
        const atMs = random(ATTACHED_RUN_MS);
        const { code, stdout, stderr } = await ended(file, reports, atMs, () => strike(disk));
        const context = `moment ${moment} of seed ${SEED}, after ${atMs} ms\n${stdout}${stderr}`;
        expect([4, 0, 2], context).toContain(code);
        expect(await tracesOfActs(), context).toEqual([]);
        disk.thaw();
        if (how === 'hangs') {
          // What it could not note, it does again.
          const healed = await place.start(['heal', '--reports', reports]).ended;
          expect(healed.code, `${context}${healed.stdout}${healed.stderr}`).toBe(0);
        }
        await expectPutBack(reports, context);
        disk.clear();
        ends.push(code);
      }
      console.log(
        `attached: ${DISK_MOMENTS} disks, each ${how}: nothing left of any act; exit codes ${ends.join(' ')}`,
      );
    },
    60_000 * (DISK_MOMENTS + 1),
  );

  test('a cluster that is not healed, or not whole, is not attached to', async () => {
    const file = place.scenario('short', SHORT);
    const owed = join(place.reports, '2026-01-01T00-00-00Z-killed');
    mkdirSync(owed, { recursive: true });
    const { host: engineHost } = DockerClient.fromEnvironment().endpoint;
    const owner = { host: hostname(), pid: 2 ** 22 - 1, startTime: '0' };
    const cluster = { platform: 'docker', owner, attached: project, engine: engineHost };
    writeFileSync(join(owed, 'cluster.json'), JSON.stringify(cluster));
    const undo = { action: 'start', node: 'worker9' };
    const promised = { type: 'promised', id: 1, act: 0, fault: 'node-stop', mark: 'pgquake-00000000-0', undo };
    writeFileSync(join(owed, 'undo.ndjson'), `${JSON.stringify(promised)}\n`);
    const refused = await attached(file);
    expect(refused.code, refused.stderr).toBe(4);
    expect(refused.stderr).toMatch(/left something broken: .*the cluster has no node worker9.*npm run chaos -- heal/s);
    expect(place.report().timeline.filter(({ type }) => type === 'fault-asked')).toEqual([]);
    rmSync(owed, { recursive: true });

    const slot = (statement: string) => pgquake('connect', '--', '-Atc', `SELECT ${statement}`);
    expect((await slot(`pg_create_logical_replication_slot('nobody', 'pgoutput')`)).code).toBe(0);
    const notWhole = await attached(file);
    expect((await slot(`pg_drop_replication_slot('nobody')`)).code).toBe(0);
    expect(notWhole.code, notWhole.stderr).toBe(4);
    expect(notWhole.stderr).toMatch(/is not whole: coordinator: slot nobody has no reader.*npm run chaos -- heal/s);
  });

  test('status tells which worker was stopped; restart brings it back', async () => {
    await engine.getContainer(`${project}_worker3`).stop({ t: 5 });
    const { code, stdout } = await pgquake('status');
    expect(code).toBe(1);
    expect(stdout).toMatch(/worker3 is stopped: container [0-9a-f]{12} exited, exit code 0/);
    expect(stdout).toContain('shard B: 1 of 2 copies left, none on worker3');
    expect((await pgquake('restart')).code).toBe(0);
    await expect.poll(async () => (await pgquake('status')).code, { timeout: 30_000 }).toBe(0);
  });

  test('down keeps the data, down --volumes nothing', async () => {
    expect((await pgquake('down')).code).toBe(0);
    expect((await traces(project)).toSorted()).toEqual(
      ['coordinator', 'worker1', 'worker2', 'worker3', 'worker4'].map((node) => `${project}_${node}`),
    );
    expect((await pgquake('up')).stdout).toContain('already formed');
    expect((await pgquake('down', '--volumes')).code).toBe(0);
    expect(await traces(project)).toEqual([]);
    expect(existsSync(join(place.folder, '.env'))).toBe(false);
    expect((await pgquake('down')).stdout).toBe(`nothing to remove: there is no cluster ${project}\n`);
  });

  test("somebody else's Compose file is not used", async () => {
    writeFileSync(join(place.folder, 'docker-compose.yml'), 'services: {}\n');
    const { code, stderr } = await pgquake('up');
    expect(code).toBe(3);
    expect(stderr).toContain(`does not describe the cluster ${project}`);
  });
});

/** For machines that have other things to do. */
const GENTLE = `workload: { read: { rate: 20/s, deadline: 10s }, scan: { rate: 90/m, deadline: 10s }, write: { rate: 10/s, deadline: 10s } }
probes: { rate: 10/s }`;

const SHORT = `name: short
summary: One worker is stopped for a moment.
${GENTLE}
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: worker2, for: 1s }
settle: { within: 300ms }
hypothesis:
  - check: no-lost-writes
  - check: healed
`;

const ACTS = 5;
const BROKEN = `name: broken
summary: Every node is struck in another way, all at once.
${GENTLE}
steady-state: { for: 1s }
faults:
  - { fault: lock-table, target: coordinator, table: rooms, for: 20s }
  - { fault: node-pause, target: worker1, for: 20s }
  - { fault: network-drop, target: worker2, at: 100ms, for: 20s }
  - { fault: read-only, target: worker3, for: 20s }
  - { fault: cpu-throttle, target: worker4, share: 20%, for: 20s }
settle: { within: 300ms }
hypothesis:
  - check: healed
`;
