/** Values that are set in a scenario's text over its author's head: `workload.read.rate=50/s`. */

import { isCollection, isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { InputError } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';

/**
 * @param changes each `path=value`, a path as messages have it, `faults[0].for`, and a value as YAML has it.
 * @returns the text with these values, so that whatever reads it knows of no other. As it was where there are none.
 * @throws InputError where one is no change, or its path leads nowhere.
 */
export function withChanges(text: string, changes: readonly string[]): string {
  if (changes.length === 0) return text;
  const document = parseDocument(text, { merge: true, uniqueKeys: false, lineCounter: new LineCounter() });
  // What is wrong with it is told with its place when it is read.
  if (document.errors.length > 0) return text;
  for (const change of changes) {
    const [, written = '', value = ''] = /^([^=]*)=(.*)$/s.exec(change) ?? [];
    const path = pathOf(written);
    if (path.length === 0) throw refusal(change, 'expected a path and a value, such as workload.read.rate=50/s');
    const parsed = parseDocument(value);
    if (parsed.errors.length > 0) throw refusal(change, `${quoted(value)} is no value in YAML`);
    refuseNowhere(document.contents, path, change);
    document.setIn(path, parsed.contents ?? '');
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** `faults[0].for` as `['faults', 0, 'for']`; empty where it is none. */
function pathOf(written: string): (string | number)[] {
  if (!/^[\w-]+(\[\d+\]|\.[\w-]+)*$/.test(written)) return [];
  return [...written.matchAll(/\[(\d+)\]|[\w-]+/g)].map(([word, index]) =>
    index === undefined ? word : Number(index),
  );
}

/** A mapping may get a new key; a list has the items that it has. */
function refuseNowhere(contents: unknown, path: readonly (string | number)[], change: string): void {
  let node = contents;
  for (const [depth, part] of path.entries()) {
    const above = path.slice(0, depth).join('.') || 'the scenario';
    if (typeof part === 'number') {
      if (!isSeq(node)) throw refusal(change, `${above} is no list`);
      if (part >= node.items.length) throw refusal(change, `${above} has ${node.items.length} items, counted from 0`);
    } else if (node !== undefined && !isMap(node)) throw refusal(change, `${above} has no keys`);
    node = isCollection(node) ? (node.get(part, true) as unknown) : undefined;
  }
}

function refusal(change: string, reason: string): InputError {
  return new InputError(`--set ${change}: ${reason}`, {
    code: 'usage',
    hint: 'a path is written as messages have it, such as faults[0].for',
  });
}
