/**
 * Reads by primary key and inserts of a row, as fast as one server answers: pgquake's pressure against
 * `pgbench -M prepared`, with the same number of connections, taking turns on the same server. With it, the
 * client's processor time for each operation. `node bench/throughput.ts [rounds]`
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../src/model/address.ts';
import { local } from '../src/platforms/local.ts';
import { Pressure } from '../src/run/pressure.ts';
import { Probes } from '../src/run/probes.ts';
import { Session } from '../src/sql/session.ts';
import { coordinatorOf, sharded } from '../test/support/sharded.ts';
import { closing } from './figures.ts';

const CONNECTIONS = 8;
const DEPTH = 32;
const SECONDS = 4;
const KEYS = 1_000;
const GOALS = { throughput: 1, cpu: 2 };
const ACCESSES = ['read', 'write'] as const;
type Access = (typeof ACCESSES)[number];

const SQL: Readonly<Record<Access, string>> = {
  read: `\\set room random(1, ${KEYS})\nSELECT seq FROM pgquake.probes WHERE partition_key = :room AND run = 0;\n`,
  write: `\\set room random(1, ${KEYS})\nINSERT INTO pgquake.probes (partition_key, run, seq) VALUES (:room, 1000000 + :client_id, nextval('pgbench_seq'));\n`,
};

interface Measured {
  readonly perSecond: number;
  readonly cpuUs: number;
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

function ours(address: Address, access: Access, run: number): Measured {
  const args = [import.meta.filename, 'press', JSON.stringify(address), access, String(run)];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Measured;
}

function theirs({ host, port, user, password, database }: Address, access: Access, folder: string): Measured {
  const script = join(folder, `${access}.sql`);
  writeFileSync(script, SQL[access]);
  const times = join(folder, 'times');
  const args = [
    ...['-f', '%U %S', '-o', times, 'pgbench', '-n', '-M', 'prepared', '-c', String(CONNECTIONS), '-j', '2'],
    ...['-T', String(SECONDS), '-f', script, '-h', host, '-p', String(port), '-U', user, database],
  ];
  const output = execFileSync('time', args, { env: { ...process.env, PGPASSWORD: password }, encoding: 'utf8' });
  const done = Number(/transactions actually processed: (\d+)/.exec(output)?.[1]);
  const perSecond = Number(/tps = ([\d.]+)/.exec(output)?.[1]);
  const [user_ = 0, system = 0] = readFileSync(times, 'utf8').split(' ').map(Number);
  return { perSecond, cpuUs: ((user_ + system) * 1e6) / done };
}

async function main(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  const nodes = await local.provision({
    nodes: sharded({ workers: 1, replication: 1, partitions: 1 }).nodes,
    settings: {},
    runFolder: folder,
    signal: new AbortController().signal,
  });
  try {
    const address = coordinatorOf(nodes).address();
    await using session = await Session.connect(address, { applicationName: 'pgquake-bench', connectTimeoutMs: 5_000 });
    await session.execute(
      `
      CREATE SCHEMA pgquake;
      CREATE TABLE pgquake.probes (partition_key int, run int, seq int, PRIMARY KEY (partition_key, run, seq));
      INSERT INTO pgquake.probes SELECT room, 0, 0 FROM generate_series(1, ${KEYS}) room;
      CREATE SEQUENCE pgbench_seq;
      VACUUM ANALYZE probes`.replace('VACUUM ANALYZE probes', ''),
    );
    await session.execute('VACUUM ANALYZE probes');
    const figures = ACCESSES.flatMap((access, a) => {
      const ratios = Array.from({ length: rounds }, (_, round) => {
        const own = ours(address, access, 1 + a * rounds + round);
        const peer = theirs(address, access, folder);
        console.log(
          `${access}: pgquake ${own.perSecond.toFixed(0)}/s at ${own.cpuUs.toFixed(1)} us, ` +
            `pgbench ${peer.perSecond.toFixed(0)}/s at ${peer.cpuUs.toFixed(1)} us`,
        );
        return { throughput: own.perSecond / peer.perSecond, cpu: own.cpuUs / peer.cpuUs };
      });
      return [
        {
          what: `${access}: throughput / pgbench`,
          figure: median(ratios.map((r) => r.throughput)),
          goal: GOALS.throughput,
          atLeast: true,
        },
        {
          what: `${access}: client processor time / pgbench`,
          figure: median(ratios.map((r) => r.cpu)),
          goal: GOALS.cpu,
        },
      ];
    });
    closing(figures);
  } finally {
    await nodes.dispose();
    rmSync(folder, { recursive: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

const [, , first = '3', address, access, run] = process.argv;
if (first === 'press') await press(JSON.parse(address as string), access as Access, Number(run));
else await main(Number(first));
