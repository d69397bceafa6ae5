/** Clusters of the engine `patroni` for tests: as small and as quick as Patroni allows. */

import { shipped } from '../../src/catalog.ts';
import type { NodeControl } from '../../src/cluster/platform.ts';
import type { ClusterSpec } from '../../src/model/scenario.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

/** A leader key lives for 20 s at least; all else is noticed within seconds. */
const QUICK = 'ttl: 20, loop_wait: 1, retry_timeout: 3';

/** @param keys further keys under `cluster:`, `dcs: 3`. @param settings further ones of Patroni. */
export function patroniCluster(keys = '', settings = ''): ClusterSpec {
  const all = ['engine: patroni', `settings: { ${[QUICK, settings].filter(Boolean).join(', ')} }`, keys];
  const text = `name: some\nsummary: Some.\ncluster: { ${all.filter(Boolean).join(', ')} }\nfaults: []\nhypothesis: [{ check: no-lost-writes }]\n`;
  return parseScenario(text, 'some.yaml', shipped).cluster;
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
