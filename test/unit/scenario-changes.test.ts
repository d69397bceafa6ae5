/** Values that override a scenario's text: the new text, and invalid changes. */

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { InputError } from '../../src/model/errors.ts';
import { withChanges } from '../../src/scenario/changes.ts';

const TEXT = `# why
name: mine
workload: { use: chat, read: { rate: 200/s } }   # all of it
faults:
  - { fault: node-stop, target: worker1, for: 8s }
hypothesis: [{ check: no-lost-writes }]
`;

describe('a value that is set', () => {
  test('replaces the value in the text, and changes only spaces besides', () => {
    const text = withChanges(TEXT, ['workload.read.rate=50/s', 'faults[0].for=3s']);
    expect(text).toBe(
      TEXT.replace('200/s', '50/s')
        .replace('8s', '3s')
        .replace('}   #', '} #')
        .replace(/\[(.*)\]/, '[ $1 ]'),
    );
  });

  test.each([
    ['a key that was not there', 'seed=7', { seed: 7 }],
    ['a mapping that was not there', 'cluster.workers=6', { cluster: { workers: 6 } }],
    ['a list', 'faults=[]', { faults: [] }],
    ['nothing', 'probes=off', { probes: 'off' }],
    ['a value with an equals sign', 'summary=a=b', { summary: 'a=b' }],
  ])('%s', (_, change, expected) => {
    expect(parse(withChanges(TEXT, [change]))).toMatchObject(expected);
  });

  test('without changes, or with invalid YAML, the text stays the same', () => {
    expect(withChanges(TEXT, [])).toBe(TEXT);
    expect(withChanges('a: [', ['a=1'])).toBe('a: [');
  });

  test.each([
    ['workload', 'expected a path and a value'],
    ['=3', 'expected a path and a value'],
    ['faults[1].for=3s', 'faults has 1 items, counted from 0'],
    ['name[0]=3s', 'name is not a list'],
    ['name.first=x', 'name has no keys'],
    ['faults.0.for=3s', 'faults is a list'],
    ['seed=[', '"[" is not a YAML value'],
  ])('%s is refused', (change, reason) => {
    expect(() => withChanges(TEXT, [change])).toThrow(InputError);
    expect(() => withChanges(TEXT, [change])).toThrow(`--set ${change}: ${reason}`);
  });

  test.each([
    ['cluster.workers=5', 'cluster.workers=6'],
    ['faults[0].for=3s', 'faults[00].for=4s'],
    ['workload.read.rate=50/s', 'workload={ use: ledger }'],
  ])('%s is not undone by %s', (first, second) => {
    expect(() => withChanges(TEXT, [first, second])).toThrow(`--set ${second}: it would undo --set ${first}`);
  });

  test('may be followed by a part of it, or by one with a longer name', () => {
    const text = withChanges(TEXT, ['workload={ use: ledger }', 'workload.read.rate=5/s', 'name=a', 'names=b']);
    expect(parse(text)).toMatchObject({ workload: { use: 'ledger', read: { rate: '5/s' } }, name: 'a', names: 'b' });
  });
});
