/** What a fault knows of servers that no engine has formed. */

import type { StruckCluster } from '../faults/fault.ts';

/** Servers that no engine has formed: every table is where it was made. */
export const bareCluster: StruckCluster = { placementSources: () => [] };
