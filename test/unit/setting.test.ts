/** Which place a setting comes from. */

import { expect, test } from 'vitest';
import { settingOf } from '../../src/cli/setting.ts';

const places = (flag?: string, variable?: string, file?: number) => [
  { from: '--seed', value: flag },
  { from: 'PGQUAKE_SEED', value: variable },
  { from: 'mine.yaml', value: file },
];

test.each([
  [places('1', '2', 3), { name: 'seed', value: '1', from: '--seed' }],
  [places(undefined, '2', 3), { name: 'seed', value: '2', from: 'PGQUAKE_SEED' }],
  [places(undefined, '', 3), { name: 'seed', value: '3', from: 'mine.yaml' }],
  [places(undefined, undefined, 0), { name: 'seed', value: '0', from: 'mine.yaml' }],
  [places(), { name: 'seed', value: 'drawn', from: 'default' }],
])('the first place that says something counts: %j', (given, expected) => {
  expect(settingOf('seed', given, 'drawn')).toEqual(expected);
});
