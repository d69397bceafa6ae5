/** Describes a server for the report. */

import type { NodeControl } from '../cluster/platform.ts';
import { hostPort } from '../model/address.ts';
import type { NodeInfo } from '../model/event.ts';
import type { NodeSpec } from '../model/topology.ts';
import { ASK_TIMEOUT_MS, connect } from './ask-node.ts';

/** Settings that affect figures and safety. */
const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'shared_buffers',
  'max_connections',
  'max_worker_processes',
  'max_prepared_transactions',
  'statement_timeout',
];

/**
 * @param specs of the cluster's nodes.
 * @param engineVersion of the engine's extension, if any.
 */
export async function describeNode(
  node: NodeControl,
  specs: readonly NodeSpec[],
  engineVersion: string | undefined,
): Promise<NodeInfo> {
  const { host, port } = node.address();
  await using session = await connect(node);
  const [row] = await session.query('SHOW server_version', [], { timeoutMs: ASK_TIMEOUT_MS });
  const server = `PostgreSQL ${row?.[0]}`;
  const rows = await session.query(
    'SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY ($1)',
    [SETTINGS],
    {
      timeoutMs: ASK_TIMEOUT_MS,
    },
  );
  return {
    name: node.name,
    role: specs.find(({ name }) => name === node.name)?.role ?? 'node',
    address: hostPort({ host, port }),
    version: engineVersion === undefined ? server : `${server}, ${engineVersion}`,
    settings: Object.fromEntries(rows.map(([name, value]) => [String(name), String(value)])),
  };
}
