/** What checks may require and a scenario does not provide. */

import { REQUIREMENTS, type Requirement } from '../model/requirements.ts';
import type { ClusterSpec, ProbeSpec } from '../model/scenario.ts';
import { ledgerOf, type Workload } from '../workloads/workload.ts';

export interface Brought {
  readonly workload: Workload;
  readonly params: unknown;
  readonly probes: ProbeSpec | undefined;
  readonly cluster: Pick<ClusterSpec, 'movingRoles'>;
}

export function lacking({ workload, params, probes, cluster }: Brought): Requirement[] {
  const ledger = ledgerOf(workload, params);
  const brought: Readonly<Record<Requirement, boolean>> = {
    ledger: ledger !== undefined,
    reads: ledger !== undefined && !ledger.unverifiedReads,
    copies: ledger?.fingerprintSql !== undefined && (!ledger.madeByClients || cluster.movingRoles !== undefined),
    partitions: ledger?.fingerprintSql !== undefined && !ledger.madeByClients,
    probes: probes !== undefined,
    roles: cluster.movingRoles !== undefined,
  };
  return REQUIREMENTS.filter((one) => !brought[one]);
}
