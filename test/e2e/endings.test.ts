/**
 * However a run ends, its cluster is put back, and exit code 1 means "refuted" and nothing else.
 *
 * PGQUAKE_TORTURE_SIGNAL_MOMENTS (1 of SIGHUP by default), PGQUAKE_TORTURE_DISK_MOMENTS (0) and PGQUAKE_TORTURE_SEED choose how often
 * and when; `npm run torture` is the long form.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seededIndex } from '../../src/plan/random.ts';
import { type Ended, Workplace } from '../support/cli.ts';
import { LoopDisk } from '../support/loop-disk.ts';
import { SMALL_SCENARIO } from '../support/small-scenario.ts';

const MOMENTS = {
  signal: Number(process.env.PGQUAKE_TORTURE_SIGNAL_MOMENTS ?? 1),
  disk: Number(process.env.PGQUAKE_TORTURE_DISK_MOMENTS ?? 0),
};
/** One handler serves all, and above each ends a run; so one is enough for a short test. */
const SIGNALS = (
  [
    ['SIGHUP', [130, 0, 2]],
    ['SIGQUIT', [130, 0, 2]],
    ['SIGUSR2', [0, 2]],
  ] as const
).slice(0, process.env.PGQUAKE_TORTURE_SIGNAL_MOMENTS === undefined ? 1 : undefined);
const random = seededIndex(Number(process.env.PGQUAKE_TORTURE_SEED ?? 1));
/** About as long as the small scenario takes. */
const RUN_MS = 6_000;
const LIMIT_PER_MOMENT_MS = 60_000;

const ROOT = resolve(import.meta.dirname, '../..');
const { isBuilt } = createRequire(import.meta.url)('../../bin/built.cjs') as { isBuilt(root: string): boolean };
const IS_ROOT = process.getuid?.() === 0;

let place: Workplace;
let scenario: string;

beforeEach(() => {
  place = new Workplace();
  scenario = place.scenario('small', SMALL_SCENARIO);
});

afterEach(() => {
  place[Symbol.dispose]();
});

type Running = ReturnType<Workplace['startRun']>;

async function untilSaid(running: Running, words: string): Promise<void> {
  await new Promise<void>((said, ended) => {
    running.stdout?.on('data', (text: string) => {
      if (text.includes(words)) said();
    });
    running.on('close', () => ended(new Error(`ended before it said "${words}"`)));
  });
}

/** Judged, whatever the verdict on a busy machine: but never as refuted. */
function expectJudged({ code, stderr }: Ended): void {
  expect([0, 2], stderr).toContain(code);
}

describe('a signal', () => {
  // SIGINT and SIGTERM are in `interrupting`, SIGHUP is below.
  test.each(['SIGQUIT', 'SIGALRM'] as const)('%s heals, removes the cluster, and exits with 130', async (signal) => {
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    running.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(130);
    expect(stdout).toContain(`${signal}: healing`);
    expect(place.report().timeline.map((event) => event.type)).toEqual(
      expect.arrayContaining(['interrupted', 'healed']),
    );
    expect(place.leftovers()).toEqual([]);
  });

  test('after the end of a command changes nothing: its exit code stands', async () => {
    const running = place.start(['validate', join(place.folder, 'none.yaml')]);
    let again: NodeJS.Timeout | undefined;
    // All is said by then, and Node.js gives up its memory, but the process is still there.
    running.stderr?.once('data', () => {
      again = setInterval(() => running.kill('SIGQUIT'), 1);
    });
    const { code, stderr } = await running.ended;
    clearInterval(again);
    expect(code, stderr).toBe(3);
  });

  test('SIGHUP heals when the terminal that it tells of is gone', async () => {
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    running.kill('SIGHUP');
    running.stdout?.destroy();
    running.stderr?.destroy();
    expect((await running.ended).code).toBe(130);
    expect(place.report().timeline.map((event) => event.type)).toEqual(expect.arrayContaining(['healed']));
    expect(place.leftovers()).toEqual([]);
  });
});

describe('what costs no verdict, all in one run:', () => {
  let bearing: Workplace;
  let ended: Ended;

  beforeAll(async () => {
    bearing = new Workplace();
    mkdirSync(join(bearing.reports, 'latest'), { recursive: true });
    writeFileSync(join(bearing.reports, 'latest', 'mine'), 'precious');
    mkdirSync(join(bearing.reports, 'index.json'));
    const running = bearing.startRun([bearing.scenario('small', SMALL_SCENARIO)]);
    await untilSaid(running, 'in effect');
    const [run] = readdirSync(bearing.reports).filter((name) => name.endsWith('-small'));
    rmSync(join(bearing.reports, run as string, 'logs'), { recursive: true });
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) running.kill(signal);
    ended = await running.ended;
  });

  afterAll(() => {
    bearing[Symbol.dispose]();
  });

  test('SIGUSR1, SIGUSR2 and SIGPIPE', () => {
    expectJudged(ended);
    expect(ended.stderr).not.toContain('Debugger');
    expect(bearing.leftovers()).toEqual([]);
  });

  test('a `latest` that is a folder of somebody else, which keeps it', () => {
    expectJudged(ended);
    expect(ended.stdout).toContain('latest is not a link');
    expect(ended.stdout).toContain('the index of all runs is not up to date');
    expect(readdirSync(join(bearing.reports, 'latest'))).toEqual(['mine']);
  });

  test('servers’ logs that vanish', () => {
    expectJudged(ended);
    expect(bearing.leftovers()).toEqual([]);
  });
});

describe.skipIf(MOMENTS.signal === 0)('torture', () => {
  test.each(SIGNALS)(
    `%s at any of ${MOMENTS.signal} moments: the cluster is put back`,
    async (signal, codes) => {
      const ends: (number | null)[] = [];
      for (let moment = 1; moment <= MOMENTS.signal; moment++) {
        const running = place.startRun([scenario]);
        await untilSaid(running, 'small');
        const afterMs = random(RUN_MS);
        await sleep(afterMs);
        running.kill(signal);
        const { code, stdout, stderr } = await running.ended;
        const context = `moment ${moment}, after ${afterMs} ms\n${stdout}${stderr}`;
        expect(codes, context).toContain(code);
        expect(place.leftovers(), context).toEqual([]);
        const healed = await place.start(['heal', '--reports', place.reports]).ended;
        expect(healed.stdout, context).toContain('nothing was left behind');
        ends.push(code);
      }
      console.log(`torture: ${MOMENTS.signal} x ${signal}: nothing left of any; exit codes ${ends.join(' ')}`);
    },
    LIMIT_PER_MOMENT_MS * (MOMENTS.signal + 1),
  );
});

describe('output that cannot be written', () => {
  test('ends no run: all is healed and reported, and the exit code is 4', async () => {
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await place.startRun([scenario], {}, ['ignore', full, 'pipe']).ended;
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(/^standard output cannot be written: ENOSPC.*\n$/),
    });
    expect(place.report().timeline.map((event) => event.type)).toEqual(expect.arrayContaining(['healed']));
    expect(place.leftovers()).toEqual([]);
  });

  test('of other commands is no bug of theirs', async () => {
    const full = openSync('/dev/full', 'w');
    expect((await place.start(['list'], {}, ['ignore', full, full]).ended).code).toBe(4);
    expect((await place.start(['list', '--nonsense'], {}, ['ignore', full, full]).ended).code).toBe(4);
  });
});

describe('no file descriptor left', () => {
  test('while a fault is in effect: the cluster is removed, exit code 4', async () => {
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    execFileSync('prlimit', ['--pid', String(running.pid), '--nofile=10']);
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }, stdout).toEqual({
      code: 4,
      stderr: expect.stringMatching(/^error pgquake had no file.*EMFILE.*\n hint .*ulimit -n/),
    });
    expect(place.leftovers()).toEqual([]);
  });
});

describe.skipIf(!isBuilt(ROOT))('an installation that is removed while a fault is in effect', () => {
  test('is needed no more: a signal heals, reports, and exits with 130', async () => {
    using copied = Workplace.copied();
    const running = copied.startRun([copied.scenario('small', SMALL_SCENARIO)]);
    await untilSaid(running, 'in effect');
    copied.uninstall();
    running.kill('SIGTERM');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }, stdout).toEqual({ code: 130, stderr: 'error interrupted by SIGTERM\n' });
    expect(copied.report().timeline.map((event) => event.type)).toEqual(expect.arrayContaining(['healed']));
    expect(copied.leftovers()).toEqual([]);
  });
});

describe('a reports folder', () => {
  test('below /proc is refused at once', async () => {
    const { code, stderr } = await place.start([scenario, '--platform', 'local', '--reports', '/proc/foo']).ended;
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('cannot create the run') });
    const cache = await place.run([scenario], { PGQUAKE_CACHE_DIR: '/proc/foo' });
    expect({ code: cache.code, stderr: cache.stderr }).toEqual({
      code: 4,
      stderr: expect.stringContaining('/proc/foo'),
    });
  });

  test('that vanishes costs the verdict, and nothing stays', async () => {
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    rmSync(place.reports, { recursive: true });
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/history is gone.*\n.*hint/s) });
    expect(place.leftovers()).toEqual([]);
  });

  test('that loses its journal: nothing more is struck, what was struck is healed', async () => {
    const second = '  - { fault: node-stop, target: worker2, at: 2s, for: 1s }\nsettle:';
    const running = place.startRun([place.scenario('twice', SMALL_SCENARIO.replace('settle:', second))]);
    await untilSaid(running, 'in effect');
    rmSync(join(place.runFolder(), 'undo.ndjson'));
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/undo\.ndjson.*removed.*\n.*hint/s) });
    const acts = place.report().timeline.map((event) => event.type);
    expect(acts.filter((type) => ['fault-in-effect', 'fault-failed', 'healed'].includes(type)).sort()).toEqual([
      'fault-failed',
      'fault-in-effect',
      'healed',
    ]);
    expect(place.leftovers()).toEqual([]);
  });
});

describe.skipIf(!IS_ROOT)('a disk of the reports', () => {
  let isMounted = false;

  afterEach(() => {
    if (isMounted) execFileSync('umount', ['--lazy', place.reports]);
    isMounted = false;
  });

  function mount(size: string): void {
    mkdirSync(place.reports);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place.reports]);
    isMounted = true;
  }

  test.each(['48k', '120k', '180k'])(
    'of %s fills: what was struck is healed, nothing stays, exit code 4',
    async (size) => {
      mount(size);
      const { code, stderr } = await place.run([scenario]);
      expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/ENOSPC.*\n.*hint/s) });
      expect(stderr).not.toContain('a bug in pgquake');
      expect(place.leftovers()).toEqual([]);
    },
  );

  test('fills while a fault is in effect: it is healed all the same', async () => {
    mount('8m');
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    try {
      writeFileSync(join(place.reports, 'ballast'), Buffer.alloc(16 << 20));
    } catch {
      // As full as it can be.
    }
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(4);
    expect(stdout).toMatch(/healed/);
    expect(place.leftovers()).toEqual([]);
  });

  test.skipIf(MOMENTS.disk === 0).each([
    ['fills', (disk: LoopDisk) => disk.fill(), [4, 0, 2]],
    ['hangs', (disk: LoopDisk) => disk.freeze(), [4, 0, 2]],
  ] as const)(
    `%s at any of ${MOMENTS.disk} moments: the cluster is put back`,
    async (how, strike, codes) => {
      using disk = new LoopDisk(place.reports);
      const ends: (number | null)[] = [];
      for (let moment = 1; moment <= MOMENTS.disk; moment++) {
        const running = place.startRun([scenario]);
        await untilSaid(running, 'small');
        const afterMs = random(RUN_MS);
        await sleep(afterMs);
        strike(disk);
        const { code, stdout, stderr } = await running.ended;
        const context = `moment ${moment}, after ${afterMs} ms\n${stdout}${stderr}`;
        expect(codes, context).toContain(code);
        expect(place.leftovers(), context).toEqual([]);
        disk.thaw();
        disk.clear();
        ends.push(code);
      }
      console.log(`torture: ${MOMENTS.disk} disks, each ${how}: nothing left of any; exit codes ${ends.join(' ')}`);
    },
    LIMIT_PER_MOMENT_MS * (MOMENTS.disk + 1),
  );

  // Both at once: they wait for the most part.
  test('hangs while a fault is in effect: it is healed, and pgquake waits neither for the disk nor with a signal', async () => {
    using other = new Workplace();
    const hung = await Promise.all(
      [place, other].map(async (where) => {
        const disk = new LoopDisk(where.reports);
        const running = where.startRun([where.scenario('small', SMALL_SCENARIO)]);
        await untilSaid(running, 'in effect');
        disk.freeze();
        if (where === other) running.kill('SIGTERM');
        return { disk, ...(await running.ended) };
      }),
    );
    try {
      const [alone, signalled] = hung as unknown as [Ended, Ended];
      expect(alone, alone.stdout).toMatchObject({
        code: 4,
        stdout: expect.stringContaining('worker1 back after'),
        stderr: expect.stringMatching(/history in .* cannot be written: the disk .* not answered for 10 s.*\n.*hint/s),
      });
      // By what pgquake learnt of first.
      expect([130, 4], signalled.stderr).toContain(signalled.code);
      expect(signalled.stdout).toMatch(/worker1 back after.*no report: the disk/s);
      expect([...place.leftovers(), ...other.leftovers()]).toEqual([]);
      for (const { disk } of hung) disk.thaw();
      const healed = await place.start(['heal', '--reports', place.reports]).ended;
      expect(healed.code, healed.stderr).toBe(0);
    } finally {
      for (const { disk } of hung) disk[Symbol.dispose]();
    }
  });

  test('hangs before a suite begins: pgquake does not wait for it', async () => {
    using disk = new LoopDisk(place.reports);
    mkdirSync(join(place.folder, 'suite'));
    renameSync(scenario, join(place.folder, 'suite/small.yaml'));
    disk.freeze();
    const thawing = setTimeout(() => disk.thaw(), 25_000);
    const { code, stderr } = await place.run(['--suite', join(place.folder, 'suite')]);
    clearTimeout(thawing);
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('has not answered for 10 s') });
  });

  test('turns read-only while a fault is in effect: it is healed all the same', async () => {
    mount('8m');
    const running = place.startRun([scenario]);
    await untilSaid(running, 'in effect');
    // Files that are open for writing keep a whole file system from it; a bind mount does not.
    execFileSync('mount', ['--bind', place.reports, place.reports]);
    execFileSync('mount', ['-o', 'remount,bind,ro', place.reports]);
    await sleep(100);
    const { code, stdout, stderr } = await running.ended;
    execFileSync('umount', ['--lazy', place.reports]);
    expect(code, stderr).toBe(4);
    expect(stdout).toMatch(/healed/);
    expect(place.leftovers()).toEqual([]);
  });
});
