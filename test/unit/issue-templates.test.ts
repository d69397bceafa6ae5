/** What GitHub asks people for when they open an issue: valid forms that ask for what a maintainer needs. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const FOLDER = join(import.meta.dirname, '../../.github/ISSUE_TEMPLATE');
const FORMS = readdirSync(FOLDER).filter((name) => name !== 'config.yml');

/** GitHub's form schema, as far as these use it; a key that it does not know makes GitHub ignore the form. */
const form = z.strictObject({
  name: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  body: z.array(
    z.strictObject({
      type: z.enum(['input', 'textarea']),
      id: z.string().regex(/^[a-z]+$/),
      attributes: z.strictObject({
        label: z.string(),
        description: z.string().optional(),
        placeholder: z.string().optional(),
        render: z.enum(['text', 'yaml']).optional(),
      }),
      validations: z.strictObject({ required: z.boolean() }).optional(),
    }),
  ),
});

const read = (name: string) => form.parse(parse(readFileSync(join(FOLDER, name), 'utf8')));
const required = (name: string) =>
  read(name).body.flatMap(({ id, validations }) => (validations?.required ? [id] : []));

test.each(FORMS)('%s is a form that GitHub takes, at most five questions', (name) => {
  const { body } = read(name);
  expect(body.length).toBeLessThanOrEqual(5);
  expect(new Set(body.map(({ id }) => id)).size).toBe(body.length);
});

test('a bug and a wrong verdict cannot be reported without what it takes to repeat them', () => {
  expect(required('bug.yml')).toEqual(['what', 'scenario', 'doctor']);
  expect(required('wrong-verdict.yml')).toEqual(['check', 'evidence', 'report', 'scenario']);
});
