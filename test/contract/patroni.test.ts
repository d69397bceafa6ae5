/** What every engine promises, held by Patroni where it is installed: after each kill a standby takes over. */

import { describe } from 'vitest';
import { engineContract } from '../../src/contract.ts';
import { patroni } from '../../src/engines/patroni.ts';
import { local } from '../../src/platforms/local.ts';
import { patroniCluster, patroniMissing } from '../support/patroni.ts';

describe.skipIf((await patroniMissing(import.meta.filename)) !== undefined)('Patroni', () => {
  engineContract({ engine: patroni, platform: local, topology: patroniCluster() });
});
