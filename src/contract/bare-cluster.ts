/** What a fault knows of servers that no engine has formed: a table exists only where it was created. */

import type { StruckCluster } from '../faults/fault.ts';

export const bareCluster: StruckCluster = { placementSources: () => [] };
