/** docs/faults.md: a section for each fault, whose example can be planned. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { faults } from '../../src/catalog.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { native } from '../../src/engines/native.ts';
import { describePlan } from '../../src/plan/describe.ts';
import { effectsOf, planOf } from '../../src/planner.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/faults.md'), 'utf8');
const sections = new Map(docs.split(/^## /m).map((part) => [part.slice(0, part.indexOf('\n')), part]));

describe('docs/faults.md', () => {
  test('has a section for each fault, and one on healing', () => {
    expect([...sections.keys()].slice(1)).toEqual([...faults.map(({ name }) => name), 'Healing']);
  });

  test.each(faults)('$name: proof, undo and parameters are explained, and the example can be planned', (fault) => {
    const section = sections.get(fault.name) ?? '';
    expect(section).toMatch(/^- Proof(:| and undo:)/m);
    expect(section).toMatch(/^- (Undo|Proof and undo):/m);
    expect(/Needs (the engine `patroni` and )?`for`\./.test(section)).toBe(fault.strikes === undefined);
    const { properties = {} } = z.toJSONSchema(fault.params, { io: 'input' });
    for (const [name, schema] of Object.entries(properties)) {
      const { default: byDefault } = schema as { default?: unknown };
      const shown = byDefault === undefined ? 'none' : `\`${byDefault}\``;
      expect(section).toMatch(new RegExp(`^\\| \`${name}\` .*\\| ${shown} +\\|$`, 'm'));
    }

    const example = /```yaml\n(.*?)```/s.exec(section)?.[1] ?? '';
    const text = `name: some\nsummary: Some.\n${example}hypothesis: [{ check: no-lost-writes }]\n`;
    const plan = planOf(faults, parseScenario(text, 'some.yaml', vocabulary), { seed: 1 });
    expect(plan.acts[0]?.fault).toBe(fault.name);
    const lines = describePlan(plan, { effectOf: effectsOf(faults), rule: native.rule });
    const moments = new RegExp(`^ +\\d.* ${fault.name} `);
    expect(lines.filter((line) => moments.test(line))).toHaveLength(plan.acts.length);
  });
});
