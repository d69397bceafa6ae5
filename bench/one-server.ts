/** One server of its own, for what needs no cluster. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Nodes } from '../src/cluster/platform.ts';
import type { Address } from '../src/model/address.ts';
import { local } from '../src/platforms/local.ts';
import { Session } from '../src/sql/session.ts';
import { coordinatorOf, sharded } from '../test/support/sharded.ts';

export interface OneServer extends AsyncDisposable {
  readonly nodes: Nodes;
  readonly folder: string;
  readonly address: Address;
  connect(): Promise<Session>;
}

export async function startOneServer(): Promise<OneServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  const nodes = await local.provision({
    nodes: sharded({ workers: 1, replication: 1, partitions: 1 }).nodes,
    settings: {},
    runFolder: folder,
    signal: new AbortController().signal,
  });
  const address = coordinatorOf(nodes).address();
  return {
    nodes,
    folder,
    address,
    connect: () => Session.connect(address, { applicationName: 'pgquake-bench', connectTimeoutMs: 5_000 }),
    async [Symbol.asyncDispose]() {
      await nodes.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}
