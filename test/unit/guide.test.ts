/** How a guide is read before it is followed. */

import { expect, test } from 'vitest';
import { masked, sectionOf, stepsOf, withOutput } from '../support/guide.ts';

const PAGE = `# All

## First

1. Write this:

   \`\`\`yaml inventory.yaml
   name: orders
   nodes: {}
   \`\`\`

2. Not this:

   \`\`\`yaml
   name: other
   \`\`\`

### Within

\`\`\`sql
GRANT pg_monitor TO app
\`\`\`

\`\`\`console
$ pgquake attach check inventory.yaml
orders  2 nodes
$ true
$ pgquake heal
nothing was left behind
\`\`\`

## Second

\`\`\`console
$ false
\`\`\`
`;

test('a section ends where the next of its level begins', () => {
  expect(sectionOf(PAGE, 'First')).toContain('### Within');
  expect(sectionOf(PAGE, 'First')).not.toContain('$ false');
  expect(sectionOf(PAGE, 'Second')).toContain('$ false');
  expect(() => sectionOf(PAGE, 'Third')).toThrow('no heading "Third"');
});

test('files, statements and commands come in the order of the page', () => {
  expect(stepsOf(sectionOf(PAGE, 'First'))).toEqual([
    { type: 'file', name: 'inventory.yaml', text: 'name: orders\nnodes: {}\n' },
    { type: 'sql', text: 'GRANT pg_monitor TO app\n' },
    { type: 'command', command: 'pgquake attach check inventory.yaml', output: 'orders  2 nodes' },
    { type: 'command', command: 'true', output: '' },
    { type: 'command', command: 'pgquake heal', output: 'nothing was left behind' },
  ]);
});

test('what was printed takes the place of what stands there, in its own section alone', () => {
  const once = { command: 'true', output: '' };
  const page = withOutput(PAGE, 'First', once, 'one\ntwo');
  expect(stepsOf(page)).toContainEqual({ type: 'command', command: 'true', output: 'one\ntwo' });
  expect(withOutput(page, 'First', { command: 'true', output: 'one\ntwo' }, '')).toBe(PAGE);
  expect(() => withOutput(PAGE, 'Second', once, 'one')).toThrow('no transcript of "true"');
});

test('times, numbers, ids, counters and how good service was do not count; all else does', () => {
  const run = (
    seed: number,
    ms: string,
    finding: string,
    broken = ' ',
  ) => `     ${seed}.0 s  load       read ${seed} ok 0 failed
     3.5 s  fault      node-kill db-a requested: container 0123456789ab ${ms}
     3.6 s  roles      db-a ${finding}

  write  0 % ok during the fault; ${finding}
           outage of ${ms}, from 1 s to 2 s: 3 failed (seen by${broken}load)
           brownout of ${ms}, from 2 s to 3 s: 3 failed, ${seed} ok (seen by${broken}load)
  promise  db-a killed: write outage via direct until healed; seen: ${ms}

${finding}
and more of it.

PASS  first`;
  const one = masked(run(1, '4.8 s', 'as before'));
  expect(one).toBe(masked(run(99, '120 ms', 'writes failed')));
  expect(one).toBe(masked(run(99, '120 ms', 'writes failed', '\n           ')));
  expect(one).toMatch(/^0 fault node-kill db-a requested: container 0 0\n\npromise .* seen: 0\n\nPASS first$/m);
  expect(one).not.toBe(masked(run(1, '4.8 s', 'as before').replace('node-kill', 'node-stop')));
});
