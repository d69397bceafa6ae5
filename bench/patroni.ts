/**
 * What pgquake itself adds, on real Patroni in containers: how much later than etcd and PostgreSQL it sees a new leader, and
 * how much of a processor its witness costs each server.
 *
 *   node bench/patroni.ts [failovers] [pairs]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { FormedCluster } from '../src/cluster/engine.ts';
import type { Nodes } from '../src/cluster/platform.ts';
import { mainRoute } from '../src/cluster/route.ts';
import { PatroniCluster } from '../src/engines/patroni/cluster.ts';
import { patroniSpecOf } from '../src/engines/patroni/spec.ts';
import { patroni } from '../src/engines/patroni.ts';
import { monotonicClock } from '../src/model/clock.ts';
import type { RunEvent } from '../src/model/event.ts';
import { nodesInRole } from '../src/model/roles.ts';
import { DockerClient } from '../src/platforms/docker/client.ts';
import type { DockerNode } from '../src/platforms/docker/node.ts';
import { docker } from '../src/platforms/docker.ts';
import { Recorder } from '../src/run/recorder.ts';
import { ROLES_EVERY_MS, RoleWatch } from '../src/run/role-watch.ts';
import { Witness } from '../src/run/witness.ts';
import { smallDataset } from '../test/support/local-cluster.ts';
import { patroniCluster, programsOf } from '../test/support/patroni.ts';
import { closing, median } from './figures.ts';

const DETECTION_GOAL_MS = 250;
const WITNESS_GOAL_PERCENT = 2;
const FAILOVER_LIMIT_MS = 60_000;
const WINDOW_MS = 4_000;
const SETTLE_MS = 1_000;

const [failovers = 3, pairs = 7] = process.argv.slice(2).map(Number);
const never = new AbortController().signal;
const topology = patroniCluster();
const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
const client = DockerClient.fromEnvironment();
const nodes = await docker.provision({
  nodes: topology.nodes,
  settings: {},
  programs: programsOf(topology),
  runFolder: folder,
  signal: never,
  onProgress: console.log,
});
interface Detected {
  readonly keyToElectedMs: number;
  readonly promotedToSeenMs: number;
}

/** Kills the primary, and holds the events of a run against what etcd and the new primary's own log say. All by one clock. */
async function failover(all: Nodes, cluster: FormedCluster): Promise<Detected> {
  const roles = await cluster.roles?.(never);
  const old = all.all.find(({ name }) => name === nodesInRole(roles ?? {}, 'primary')[0]);
  if (!old) throw new Error('there is no primary');
  const events: (RunEvent & { readonly wallMs: number })[] = [];
  const recorder = {
    event: (event: RunEvent) => void events.push({ ...event, wallMs: Date.now() }),
    // No witness looks on.
    follow: () => undefined,
  };
  await using key = await LeaderKey.watch(all);
  await using _ = await RoleWatch.start({ cluster, recorder, everyMs: ROLES_EVERY_MS });
  await sleep(SETTLE_MS);
  const struckMs = Date.now();
  await old.kill();
  const giveUpAt = Date.now() + FAILOVER_LIMIT_MS;
  const seen = () =>
    events.find(
      (event) => event.type === 'roles-seen' && nodesInRole(event.roles, 'primary').some((name) => name !== old.name),
    );
  while (!seen() && Date.now() < giveUpAt) await sleep(20);
  const seenMs = seen()?.wallMs;
  const elected = events.find((event) => event.type === 'failover' && event.step === 'elected');
  if (seenMs === undefined || !elected || elected.type !== 'failover') throw new Error('nobody took over');
  const successor = all.all.find(({ name }) => name === elected.to) as DockerNode;
  const keyMs = key.heldSince(successor.name, struckMs);
  const promotedMs = await promotedAt(successor, struckMs);
  await cluster.comeBack?.(old, {
    undo: async () => {
      await old.start();
      return 'started';
    },
    beforeErased: async () => undefined,
  });
  const spec = patroniSpecOf(topology.own);
  if (!spec) throw new Error('the cluster is of another engine');
  await new PatroniCluster({ nodes: all.all, beside: [], placement: cluster.placement, spec }).untilSteady(
    FAILOVER_LIMIT_MS,
  );
  const since = (ms: number) => `${((ms - struckMs) / 1_000).toFixed(3)} s`;
  console.log(
    `${old.name} killed: leader key of ${successor.name} in etcd after ${since(keyMs)}, seen by pgquake after ${since(elected.wallMs)}; ` +
      `promoted by its log after ${since(promotedMs)}, event roles-seen after ${since(seenMs)}`,
  );
  return { keyToElectedMs: elected.wallMs - keyMs, promotedToSeenMs: seenMs - promotedMs };
}

/** Hears from etcd itself, over its JSON gateway, whenever the leader key changes. */
class LeaderKey implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #changes: { readonly leader: string; readonly wallMs: number }[] = [];

  static async watch({ beside = [] }: Nodes): Promise<LeaderKey> {
    const watch = new LeaderKey();
    const { host, port } = (beside.find(({ name }) => name === 'etcd1') as DockerNode).address();
    const key = Buffer.from('/service/pgquake/leader').toString('base64');
    const answer = await fetch(`http://${host}:${port}/v3/watch`, {
      method: 'POST',
      body: JSON.stringify({ create_request: { key } }),
      signal: watch.#stop.signal,
    });
    void watch.#read(answer).catch(() => undefined);
    return watch;
  }

  async #read({ body }: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) {
      const wallMs = Date.now();
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const { result } = watchSchema.parse(JSON.parse(line));
        for (const { kv, type } of result.events) {
          const leader = type === 'DELETE' ? '' : Buffer.from(kv.value, 'base64').toString();
          if (leader !== this.#changes.at(-1)?.leader) this.#changes.push({ leader, wallMs });
        }
      }
    }
  }

  heldSince(leader: string, fromMs: number): number {
    const change = this.#changes.find((one) => one.leader === leader && one.wallMs >= fromMs);
    if (!change)
      throw new Error(`etcd has not told that ${leader} holds the leader key: ${JSON.stringify(this.#changes)}`);
    return change.wallMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }
}

const watchSchema = z.object({
  result: z.object({
    events: z
      .array(z.object({ type: z.string().default('PUT'), kv: z.object({ value: z.string().default('') }) }))
      .default([]),
  }),
});

/** When a promoted server says in its log that it takes writes. */
async function promotedAt(node: DockerNode, fromMs: number): Promise<number> {
  const log = await client.call('read a log', (engine) =>
    engine.getContainer(node.containerId).logs({ stdout: true, stderr: true, since: Math.floor(fromMs / 1_000) }),
  );
  const ready = /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC [^\n]*database system is ready to accept connections/g;
  const told = [...log.toString('utf8').matchAll(ready)].map(([, stamp]) => Date.parse(`${stamp?.replace(' ', 'T')}Z`));
  const at = told.filter((ms) => ms >= fromMs).at(-1);
  if (at === undefined) throw new Error(`${node.name} does not say when it was promoted`);
  return at;
}

/** What a witness costs each server, in per cent of a core: windows with one and without, in turn; the median of the pairs. */
async function witnessCosts(all: Nodes, cluster: FormedCluster): Promise<Map<string, number>> {
  const clock = monotonicClock();
  using recorder = new Recorder(folder, clock, { load: [], probes: [] }, []);
  const differences = new Map<string, number[]>(all.all.map(({ name }) => [name, []]));
  for (let pair = 0; pair < pairs; pair++) {
    const without = await usedIn(all);
    const witness = await Witness.prepare({
      nodes: all.all,
      primary: mainRoute(cluster.routes),
      witnessThread: new URL('../src/witness-thread.ts', import.meta.url),
      recorder,
      originNs: process.hrtime.bigint(),
      signal: never,
    });
    witness.start();
    await sleep(SETTLE_MS);
    const beside = await usedIn(all);
    await witness.stop();
    for (const [name, of] of differences) of.push((beside.get(name) as number) - (without.get(name) as number));
    const words = [...without].map(
      ([name, percent]) => `${name} ${percent.toFixed(2)} -> ${beside.get(name)?.toFixed(2)}`,
    );
    console.log(`per cent of a core, without a witness -> with one: ${words.join(', ')}`);
  }
  return new Map([...differences].map(([name, of]) => [name, median(of)]));
}

/** Per cent of a core that each server's container uses, by its control group. */
async function usedIn(all: Nodes): Promise<Map<string, number>> {
  const before = await usages(all);
  await sleep(WINDOW_MS);
  const after = await usages(all);
  return new Map(
    [...before].map(([name, { atMs, usedMs }]) => {
      const end = after.get(name);
      return [name, end ? (100 * (end.usedMs - usedMs)) / (end.atMs - atMs) : Number.NaN];
    }),
  );
}

async function usages(all: Nodes) {
  const read = async ({ name, containerId }: DockerNode) => {
    const stats = await client.call('read the usage of a container', (engine) =>
      engine.getContainer(containerId).stats({ stream: false, 'one-shot': true }),
    );
    return [name, { atMs: performance.now(), usedMs: stats.cpu_stats.cpu_usage.total_usage / 1e6 }] as const;
  };
  return new Map(await Promise.all(all.all.map((node) => read(node as DockerNode))));
}

try {
  const cluster = await patroni.form({ nodes, topology, dataset: smallDataset, signal: never });
  const witnessed = await witnessCosts(nodes, cluster);
  const detected: Detected[] = [];
  for (let i = 0; i < failovers; i++) detected.push(await failover(nodes, cluster));
  const worst = (of: (one: Detected) => number) => Math.max(...detected.map(of));
  closing([
    ...(failovers === 0
      ? []
      : [
          {
            what: 'leader key in etcd -> event failover (elected), ms, worst',
            figure: worst((one) => one.keyToElectedMs),
            goal: DETECTION_GOAL_MS,
          },
          {
            what: 'promoted by its log -> event roles-seen, ms, worst',
            figure: worst((one) => one.promotedToSeenMs),
            goal: DETECTION_GOAL_MS,
          },
        ]),
    ...(pairs === 0 ? [] : [...witnessed]).map(([name, percent]) => ({
      what: `the witness on ${name}, per cent of a core, median of ${pairs} pairs`,
      figure: percent,
      goal: WITNESS_GOAL_PERCENT,
    })),
  ]);
} finally {
  await nodes.dispose();
  rmSync(folder, { recursive: true, force: true });
}
