/** `report.json`: the report for programs, by `schema/report.schema.json`. It has everything in `report.md`, and more. */

import { jsonText } from './escape.ts';
import type { Reporter } from './reporter.ts';

/** Lists and records up to this length stay on one line, which makes tables of them easy to compare. */
const MAX_LINE = 110;

export const json: Reporter = {
  name: 'json',
  summary: 'The whole report, versioned; its JSON Schema is schema/report.schema.json.',
  render: (report) => ({ 'report.json': `${formatJson(report)}\n` }),
};

/** A value as JSON that is safe to print and easy to compare. */
export function formatJson(value: object): string {
  return format('', value, '');
}

/** JSON with an indentation of 2 spaces; a short record of plain values and lists of them stays on one line. */
function format(key: string, value: unknown, indent: string): string {
  if (!isContainer(value)) return scalar(key, value);
  const line = inline(key, value);
  if (line !== undefined && indent.length + line.length <= MAX_LINE) return line;
  const deeper = `${indent}  `;
  const lines = entriesOf(key, value).map(
    ({ label, key: name, member }) => deeper + label + format(name, member, deeper),
  );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

/** @returns `undefined` if it contains more than plain values and lists of them. */
function inline(key: string, value: object): string | undefined {
  const entries = entriesOf(key, value);
  const isList = Array.isArray(value);
  if (entries.length === 0) return isList ? '[]' : '{}';
  const parts: string[] = [];
  for (const { label, key: name, member } of entries) {
    if (isContainer(member) && (isList || !Array.isArray(member) || member.some(isContainer))) return undefined;
    parts.push(label + (isContainer(member) ? inline(name, member) : scalar(name, member)));
  }
  return isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
}

function isContainer(value: unknown): value is object {
  return value !== null && typeof value === 'object';
}

interface Entry {
  /** The name before the value; empty in a list. */
  readonly label: string;
  readonly key: string;
  readonly member: unknown;
}

function entriesOf(key: string, value: object): Entry[] {
  if (Array.isArray(value)) return value.map((member: unknown) => ({ label: '', key, member }));
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]: [string, unknown]) => ({ label: `${jsonText(name)}: `, key: name, member }));
}

/** Times are rounded to the microsecond; shares are not rounded, because that could turn one into 1. */
function scalar(key: string, value: unknown): string {
  if (typeof value === 'string') return jsonText(value);
  if (typeof value === 'number' && Number.isFinite(value) && (key === 'at' || key.endsWith('Ms'))) {
    return String(Math.round(value * 1_000) / 1_000);
  }
  return JSON.stringify(value) ?? 'null';
}
