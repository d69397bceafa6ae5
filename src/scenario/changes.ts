/** Overrides values in a scenario's text: `workload.read.rate=50/s`. */

import { isCollection, isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { InputError } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';

/**
 * @param changes each `path=value`, with a path as in messages, `faults[0].for`, and a YAML value.
 * @returns the text with these values; unchanged where there are none.
 * @throws InputError where a change is malformed, its path does not exist, or it would undo an earlier one.
 */
export function withChanges(text: string, changes: readonly string[]): string {
  if (changes.length === 0) return text;
  const document = parseDocument(text, { merge: true, uniqueKeys: false, lineCounter: new LineCounter() });
  // The parser reports these errors later, with their places.
  if (document.errors.length > 0) return text;
  const made = new Map<string, string>();
  for (const change of changes) {
    const [, written = '', value = ''] = /^([^=]*)=(.*)$/s.exec(change) ?? [];
    const path = pathOf(written);
    if (path.length === 0) throw refusal(change, 'expected a path and a value, such as workload.read.rate=50/s');
    refuseUndoing(made, path, change);
    made.set(stepsOf(path), change);
    const parsed = parseDocument(value);
    if (parsed.errors.length > 0) throw refusal(change, `${quoted(value)} is not a YAML value`);
    refuseNowhere(document.contents, path, change);
    document.setIn(path, parsed.contents ?? '');
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** `faults[0].for` as `['faults', 0, 'for']`; empty where it is not a path. */
function pathOf(written: string): (string | number)[] {
  if (!/^[\w-]+(\[\d+\]|\.[\w-]+)*$/.test(written)) return [];
  return [...written.matchAll(/\[(\d+)\]|[\w-]+/g)].map(([word, index]) =>
    index === undefined ? word : Number(index),
  );
}

/** @param made the earlier changes, each by its steps. */
function refuseUndoing(made: ReadonlyMap<string, string>, path: readonly (string | number)[], change: string): void {
  const steps = stepsOf(path);
  const undone = [...made].find(([earlier]) => earlier.startsWith(steps))?.[1];
  if (undone === undefined) return;
  throw refusal(
    change,
    `it would undo --set ${undone}`,
    'set each value once; a value with keys comes before its keys',
  );
}

/** Begins with the steps of each path above it. */
function stepsOf(path: readonly (string | number)[]): string {
  return path.map((step) => `${step}/`).join('');
}

/** A change may add a key to a mapping, but no item to a list. */
function refuseNowhere(contents: unknown, path: readonly (string | number)[], change: string): void {
  let node = contents;
  for (const [depth, part] of path.entries()) {
    const above = path.slice(0, depth).join('.') || 'the scenario';
    if (typeof part === 'number') {
      if (!isSeq(node)) throw refusal(change, `${above} is not a list`);
      if (part >= node.items.length) throw refusal(change, `${above} has ${node.items.length} items, counted from 0`);
    } else if (node !== undefined && !isMap(node)) {
      if (isSeq(node)) throw refusal(change, `${above} is a list`, 'index lists from 0, such as faults[0].for');
      throw refusal(change, `${above} has no keys`);
    }
    node = isCollection(node) ? (node.get(part, true) as unknown) : undefined;
  }
}

function refusal(
  change: string,
  reason: string,
  hint = 'write paths as in error messages, such as faults[0].for',
): InputError {
  return new InputError(`--set ${change}: ${reason}`, {
    code: 'usage',
    hint,
  });
}
