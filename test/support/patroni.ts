/** Clusters of the engine `patroni` for tests: as small and as quick as Patroni allows. */

import { writeSync } from 'node:fs';
import { shipped } from '../../src/catalog.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import type { NodePrograms } from '../../src/cluster/program.ts';
import { patroni } from '../../src/engines/patroni.ts';
import type { ClusterSpec } from '../../src/model/scenario.ts';
import { local } from '../../src/platforms/local.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

/** A leader key lives for 20 s at least; all else is noticed within seconds. */
const QUICK = 'ttl: 20, loop_wait: 1, retry_timeout: 3';

/** @param keys further keys under `cluster:`, `dcs: 3`. @param settings further ones of Patroni. */
export function patroniCluster(keys = '', settings = ''): ClusterSpec {
  const all = ['engine: patroni', `settings: { ${[QUICK, settings].filter(Boolean).join(', ')} }`, keys];
  const text = `name: some\nsummary: Some.\ncluster: { ${all.filter(Boolean).join(', ')} }\nfaults: []\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', shipped).cluster;
}

/**
 * @returns why clusters under Patroni cannot run on the platform `local` here, `undefined` where they can. Where they must,
 * by PGQUAKE_REQUIRE_PATRONI=1, it throws instead.
 */
export async function patroniMissing(file: string): Promise<string | undefined> {
  const cluster = patroniCluster('proxy: haproxy, pooler: pgbouncer');
  const reason = (await local.unavailable(patroni.needs, programsOf(cluster)))?.message;
  if (reason === undefined) return undefined;
  if (process.env.PGQUAKE_REQUIRE_PATRONI === '1') throw new Error(`Patroni must run here, but ${reason}`);
  // Not through the console, which the test runner wraps in several lines.
  writeSync(2, `skipped ${file}: ${reason}\n`);
  return reason;
}

/** What runs on the nodes of such a cluster. */
export function programsOf(cluster: ClusterSpec): NodePrograms {
  const programs = patroni.programsFor?.(cluster);
  if (!programs) throw new Error('its nodes run programs');
  return programs;
}

/** What the REST API of a node's Patroni answers: a status, or why there is no answer. */
export async function restAnswer(node: NodeControl, path: string, init: RequestInit = {}): Promise<number | string> {
  const { host, port } = node.addressAt?.(8008) ?? node.address();
  try {
    const answer = await fetch(`http://${host}:${port}${path}`, { ...init, signal: AbortSignal.timeout(700) });
    await answer.body?.cancel();
    return answer.status;
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return cause?.code ?? name;
  }
}

/** What the REST API of a node's Patroni says; `{}` where there is no answer. */
export async function restJson(node: NodeControl, path: string): Promise<unknown> {
  const { host, port } = node.addressAt?.(8008) ?? node.address();
  try {
    return await (await fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(700) })).json();
  } catch {
    return {};
  }
}
