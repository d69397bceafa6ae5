import { loadConfig } from 'pgquake';
import 'pgquake/vitest';
import { expect, test } from 'vitest';

test('a low statement timeout loses no order', { timeout: 120_000 }, async () => {
  const quake = await loadConfig('scenarios/pgquake.config.ts');
  await expect(quake.run('scenarios/low-limit.yaml', { seed: 7, retries: 2 })).resolves.toPass();
});
