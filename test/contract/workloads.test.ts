/** What every workload promises, on the embedded cluster. */

import { workloads } from '../../src/catalog.ts';
import { workloadContract } from '../../src/contract.ts';
import { native } from '../../src/engines/native.ts';
import { local } from '../../src/platforms/local.ts';

const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'big-scan': { rooms: 20, 'messages-per-room': 10 },
};

for (const workload of workloads) {
  workloadContract({
    workload,
    params: SMALL[workload.name] ?? {},
    engine: native,
    platform: local,
    topology: { workers: 2, replication: 2, shards: 2 },
  });
}
