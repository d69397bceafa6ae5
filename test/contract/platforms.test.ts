/** What every platform promises, on every platform that can be used here. */

import { describe } from 'vitest';
import { platforms } from '../../src/catalog.ts';
import { platformContract } from '../../src/contract.ts';

process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

for (const platform of platforms) {
  const unavailable = (await platform.unavailable())?.message;
  describe.skipIf(unavailable !== undefined)(unavailable ?? 'can be used here', () => platformContract({ platform }));
}
