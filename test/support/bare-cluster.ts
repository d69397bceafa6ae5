import type { StruckCluster } from '../../src/faults/fault.ts';

/** Servers that no engine has formed: every table is where it was made. */
export const bareCluster: StruckCluster = { placementSources: () => [] };
