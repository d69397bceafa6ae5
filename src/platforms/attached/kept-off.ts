/** What is never done to somebody else's data, and why not. */

import type { Capability } from '../../cluster/platform.ts';

export const KEPT_OFF: Partial<Record<Capability, string>> = {
  'data-copy': 'pgquake replaces no data of a cluster that it did not make',
  'disk-full': 'pgquake fills no disk of a cluster that it did not make',
};
