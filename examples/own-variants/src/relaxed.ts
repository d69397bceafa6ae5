/** An engine: the shipped `native`, on servers that acknowledge a commit before it is on disk. */

import { defineEngine, type Engine, pgquake } from 'pgquake';

const native = pgquake().catalog.engines.find(({ name }) => name === 'native') as Engine;

export const relaxed = defineEngine({
  ...native,
  name: 'relaxed',
  summary: `${native.summary}; commits do not wait for the disk`,
  settings: { ...native.settings, synchronous_commit: 'off' },
});
