/** Explains schema violations in the terms of a scenario's author. */

import { z } from 'zod';
import { nearest, suggestion } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';
import { formatPath, type Problem } from './problems.ts';
import type { Source } from './source.ts';

interface Complaint {
  /** Relative to the validated value. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Set where the complaint is about this key of the mapping at `path`. */
  readonly key?: string;
  readonly missing?: string;
  readonly meant?: string;
}

/** A validated value with its place in a source. */
export interface Validated {
  readonly source: Source;
  readonly value: unknown;
  readonly schema: z.ZodType;
  /** Of the value in the source; its top by default. */
  readonly path?: readonly PropertyKey[];
  /** Keys of the same mapping that another schema reads; none by default. */
  readonly beside?: readonly string[];
}

/** Why the value does not fit its schema: every problem with its place. */
export function problemsOf(
  { issues }: z.ZodError,
  { source, value, schema, path = [], beside = [] }: Validated,
): Problem[] {
  return issues
    .flatMap((issue) => explain(issue, value, schema, beside))
    .map(({ path: below, key, ...said }) => {
      const at = [...path, ...below];
      const place = key === undefined ? source.placeOf(at) : source.placeOfKey(at, key);
      return { place, path: formatPath(at), ...said };
    });
}

function explain(issue: z.core.$ZodIssue, value: unknown, schema: z.ZodType, beside: readonly string[]): Complaint[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = [...(path.length === 0 ? beside : []), ...keysAt(schema, path)];
    return issue.keys.map((key) => ({ path, key, ...unknownKey(key, known) }));
  }
  const found = valueAt(value, path);
  if (found === undefined && path.length > 0) {
    const missing = String(path.at(-1));
    const message = `missing key ${quoted(missing)}: ${expectation(issue)}`;
    return [{ path: path.slice(0, -1), missing, message }];
  }
  const expected = expectation(issue);
  const message = expected.includes(', found ') ? expected : `${expected}, found ${quoted(found)}`;
  const meant =
    issue.code === 'invalid_value' && typeof found === 'string' ? nearest(found, issue.values.map(String)) : undefined;
  return [{ path, message: meant === undefined ? message : `${message}; did you mean "${meant}"?` }];
}

/** What a problem says of a key that is not known. */
export function unknownKey(key: string, known: readonly string[]): Pick<Problem, 'message' | 'meant'> {
  const meant = nearest(key, known);
  const message = `unknown key ${quoted(key)}; ${suggestion(key, known)}`;
  return meant === undefined ? { message } : { message, meant };
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; `undefined` where there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  );
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  bigint: 'a whole number',
  nan: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  map: 'a mapping',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  date: 'a date',
  null: 'nothing',
  undefined: 'nothing',
  void: 'nothing',
  never: 'nothing',
  nonoptional: 'a value',
  function: 'a function',
  symbol: 'a symbol',
  file: 'a file',
};

/** `expected` and what was expected. The schemas of quantities have complete messages of that form. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith('expected ')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' items' : '';
}

/** The keys that a schema knows at a path, under defaults, optionals and transforms. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current = unwrapped(schema);
  for (const part of path) {
    if (current instanceof z.ZodObject) current = unwrapped(current.shape[part as string]);
    else if (current instanceof z.ZodArray) current = unwrapped(current.element);
    else if (current instanceof z.ZodRecord) current = unwrapped(current.valueType);
    else return [];
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  let current = schema;
  for (;;) {
    const { innerType, in: input } =
      (current as { def?: { innerType?: unknown; in?: unknown } } | undefined)?.def ?? {};
    const inner = innerType ?? input;
    if (inner === undefined) return current;
    current = inner;
  }
}
