import { loadConfig, pgquake } from 'pgquake';
import { engineContract } from 'pgquake/contract';
import 'pgquake/vitest';
import { expect, test } from 'vitest';
import { copies } from '../src/copies.ts';

const platform = pgquake().catalog.platforms.find(({ name }) => name === 'local');
if (!platform) throw new Error('the platform local is not shipped');

engineContract({ engine: copies, platform, topology: { nodes: copies.nodes(2), replication: 2, partitions: 1 } });

test('clients do not notice that a copy is gone, and it catches up', { timeout: 120_000 }, async () => {
  const quake = await loadConfig('scenarios/pgquake.config.ts');
  await expect(quake.run('scenarios/lost-copy.yaml', { seed: 7, retries: 2 })).resolves.toPass();
});
