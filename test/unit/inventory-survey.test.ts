/** What `attach check` says of the nodes of an inventory. */

import { expect, test } from 'vitest';
import type { NodeControl } from '../../src/cluster/platform.ts';
import { surveyInventory } from '../../src/run/inventory-survey.ts';

test('a node that does not answer has its address, its state and the reason, and no other field', async () => {
  const address = { host: '127.0.0.1', port: 1, user: 'app', password: '', database: 'orders' };
  const node = { name: 'db-a', address: () => address, describeState: async () => 'unknown' };
  const all = [node as unknown as NodeControl];
  const { nodes, problems } = await surveyInventory({ all } as never, undefined, 'no primary', []);
  const refusal = expect.stringContaining('ECONNREFUSED');
  expect(nodes).toEqual([{ name: 'db-a', address: '127.0.0.1:1', state: 'unknown', refusal }]);
  expect(problems).toEqual([expect.stringMatching(/^db-a does not answer: /), 'no primary']);
});
