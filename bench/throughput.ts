/**
 * Reads by primary key and inserts of a row, as fast as one server answers: pgquake's pressure against pgbench with
 * pipelines, the same number of connections and of statements under way on each, taking turns on the same server. With
 * it, the client's processor time for each operation. `node bench/throughput.ts [rounds]`
 *
 * Before version 17, pgbench commits a whole pipeline at once, which spares it 31 of 32 commits: its inserts are then no
 * fair peer. PGQUAKE_PGBENCH_IN says in what it runs, such as "docker run --rm --interactive --network host IMAGE".
 */

import { execFileSync, spawnSync } from 'node:child_process';
import type { Address } from '../src/model/address.ts';
import { Pressure } from '../src/run/pressure.ts';
import { Probes } from '../src/run/probes.ts';
import { Session } from '../src/sql/session.ts';
import { encoded, type Pressed, pressBare } from './bare-client.ts';
import { closing, median, over } from './figures.ts';
import { startOneServer } from './one-server.ts';

const CONNECTIONS = 8;
const DEPTH = 32;
const SECONDS = 4;
const KEYS = 1_000;
const GOALS = { throughput: 0.9, cpu: 1.5 };
/** It parses nothing and keeps nothing. */
const BARE_CLIENT = 'a bare socket in Node.js';
const ACCESSES = ['read', 'write'] as const;
type Access = (typeof ACCESSES)[number];

const STATEMENTS: Readonly<Record<Access, string>> = {
  read: 'SELECT seq FROM pgquake.probes WHERE partition_key = :room AND run = 0;',
  write:
    "INSERT INTO pgquake.probes (partition_key, run, seq) VALUES (:room, 1000000 + :client_id, nextval('pgbench_seq'));",
};

/** The shell in which pgbench runs: here, or in a container. */
const [SHELL = 'sh', ...SHELL_ARGS] = [...(process.env.PGQUAKE_PGBENCH_IN?.split(' ') ?? []), 'sh'];
/** From 17 on it can end a transaction within a pipeline. https://www.postgresql.org/docs/17/pgbench.html */
const SYNC_SINCE = 17;

function pgbenchVersion(): number {
  const said = execFileSync(SHELL, [...SHELL_ARGS, '-c', 'pgbench --version'], { encoding: 'utf8' });
  return Number(/ (\d+)/.exec(said)?.[1]);
}

function script(access: Access, version: number): string {
  const one = `\\set room random(1, ${KEYS})\n${STATEMENTS[access]}\n`;
  const end = version >= SYNC_SINCE ? '\\syncpipeline\n' : '';
  return `\\startpipeline\n${`${one}${end}`.repeat(DEPTH)}\\endpipeline\n`;
}

/** In a process of its own, as a run's load is in a thread of its own. */
async function press(address: Address, access: Access, run: number): Promise<void> {
  const probes = new Probes(run);
  let n = 0;
  const pressure = new Pressure({
    connections: CONNECTIONS,
    depth: DEPTH,
    connect: () =>
      Session.connect(address, { applicationName: 'pgquake-bench', connectTimeoutMs: 5_000, pipeline: true }),
    next: () => probes.next(access, (n++ % KEYS) + 1),
  });
  await pressure.open();
  const before = process.cpuUsage();
  pressure.start();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
  const { ok, failed, forMs } = await pressure.stop();
  const { user, system } = process.cpuUsage(before);
  if (failed > 0) throw new Error(`${failed} operations failed`);
  console.log(JSON.stringify({ perSecond: (ok * 1_000) / forMs, cpuUs: (user + system) / ok }));
}

const BARE: Readonly<Record<Access, string>> = {
  read: 'SELECT seq FROM pgquake.probes WHERE partition_key = $1 AND run = 0',
  write: 'INSERT INTO pgquake.probes (partition_key, run, seq) VALUES ($1, $2, $3)',
};

/** In a process of its own, as well. */
async function bare(address: Address, access: Access, run: number): Promise<void> {
  const reads = Array.from({ length: KEYS }, (_, i) => encoded([i + 1]));
  let n = 0;
  const next = () => {
    const key = n++ % KEYS;
    return access === 'read' ? (reads[key] as Buffer) : encoded([key + 1, run, n]);
  };
  const load = { connections: CONNECTIONS, depth: DEPTH, seconds: SECONDS };
  console.log(JSON.stringify(await pressBare(address, load, BARE[access], next)));
}

function alone(how: 'press' | 'bare', address: Address, access: Access, run: number): Pressed {
  const args = [import.meta.filename, how, JSON.stringify(address), access, String(run)];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Pressed;
}

function theirs({ host, port, user, password, database }: Address, access: Access, version: number): Pressed {
  const options = `-n -M prepared -c ${CONNECTIONS} -j 2 -T ${SECONDS} -h ${host} -p ${port} -U ${user}`;
  // The script comes in by standard input; the shell tells the processor time of what it ran.
  const inShell = `cat >/tmp/pipeline.sql && PGPASSWORD='${password}' pgbench ${options} -f /tmp/pipeline.sql ${database} && times`;
  const output = execFileSync(SHELL, [...SHELL_ARGS, '-c', inShell], {
    input: script(access, version),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const done = DEPTH * Number(/transactions actually processed: (\d+)/.exec(output)?.[1]);
  const perSecond = DEPTH * Number(/tps = ([\d.]+)/.exec(output)?.[1]);
  // Of the shell's children: the last line, user and system.
  const [user_ = 0, system = 0] = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => 60 * Number(minutes) + Number(seconds),
  );
  return { perSecond, cpuUs: ((user_ + system) * 1e6) / done };
}

async function main(rounds: number): Promise<void> {
  await using server = await startOneServer();
  const { address } = server;
  await using session = await server.connect();
  await session.execute(`
    CREATE SCHEMA pgquake;
    CREATE TABLE pgquake.probes (partition_key int, run int, seq int, PRIMARY KEY (partition_key, run, seq));
    INSERT INTO pgquake.probes SELECT room, 0, 0 FROM generate_series(1, ${KEYS}) room;
    CREATE SEQUENCE pgbench_seq`);
  await session.execute('VACUUM ANALYZE pgquake.probes');
  const version = pgbenchVersion();
  const peerName = `pgbench ${version}, ${version >= SYNC_SINCE ? 'a commit each' : `one commit for ${DEPTH}`}`;
  const figures = ACCESSES.flatMap((access, a) => {
    const ratios = Array.from({ length: rounds }, (_, round) => {
      const own = alone('press', address, access, 1 + 2 * (a * rounds + round));
      const least = alone('bare', address, access, 2 + 2 * (a * rounds + round));
      const peer = theirs(address, access, version);
      console.log(
        `${access}: pgquake ${own.perSecond.toFixed(0)}/s at ${own.cpuUs.toFixed(1)} us, ` +
          `a bare socket ${least.perSecond.toFixed(0)}/s at ${least.cpuUs.toFixed(1)} us, ` +
          `pgbench ${peer.perSecond.toFixed(0)}/s at ${peer.cpuUs.toFixed(1)} us`,
      );
      return {
        throughput: own.perSecond / peer.perSecond,
        cpu: own.cpuUs / peer.cpuUs,
        bareThroughput: least.perSecond / peer.perSecond,
        bareCpu: least.cpuUs / peer.cpuUs,
      };
    });
    return [
      {
        what: `${access}: throughput / ${peerName}`,
        ...over(ratios.map((r) => r.throughput)),
        goal: GOALS.throughput,
        atLeast: true,
        limit: { what: BARE_CLIENT, figure: median(ratios.map((r) => r.bareThroughput)) },
      },
      {
        what: `${access}: client processor time / ${peerName}`,
        ...over(ratios.map((r) => r.cpu)),
        goal: GOALS.cpu,
        limit: { what: BARE_CLIENT, figure: median(ratios.map((r) => r.bareCpu)) },
      },
    ];
  });
  closing(figures);
}

const [, , first = '3', address, access, run] = process.argv;
if (first === 'press') await press(JSON.parse(address as string), access as Access, Number(run));
else if (first === 'bare') await bare(JSON.parse(address as string), access as Access, Number(run));
else await main(Number(first));
