/** Tables of parameters and fields, generated from the schemas that parse them. */

import { stringify } from 'yaml';
import { z } from 'zod';

/** The members of a JSON Schema that these tables use. */
export interface Property {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Property>>;
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  readonly items?: Property;
  readonly additionalProperties?: Property;
  readonly anyOf?: readonly Property[];
}

export function propertiesOf(schema: z.ZodType): Property {
  return z.toJSONSchema(schema, { io: 'input' }) as Property;
}

/** Escapes pipes, which would end a cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One row for each property; inner properties appear as `outer.inner`. */
export function parameterTable(schema: Property): string {
  return table(
    ['key', 'meaning', 'values', 'default'],
    rowsOf(schema).map(([name, property, needed]) => [
      `\`${name}\``,
      sentence(property.description ?? ''),
      valuesOf(property),
      needed ? 'required' : defaultOf(property),
    ]),
  );
}

type Row = readonly [name: string, property: Property, needed: boolean];

function rowsOf({ properties = {}, required = [] }: Property): Row[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const inner = property.default === undefined ? property.properties : undefined;
    const own: Row = [name, property, required.includes(name)];
    if (!inner) return [own];
    return [own, ...rowsOf(property).map(([key, value, needed]): Row => [`${name}.${key}`, value, needed])];
  });
}

function sentence(text: string): string {
  return text.replace(/\.$/, '');
}

function defaultOf(property: Property): string {
  if (property.default === undefined) return 'none';
  // Each part of a default object has its own default.
  const parts = Object.entries(property.properties ?? {}).filter(([, part]) => part.default !== undefined);
  if (parts.length > 0) return code(Object.fromEntries(parts.map(([name, part]) => [name, part.default])));
  return code(property.default);
}

function code(value: unknown): string {
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}

const WORDS: Readonly<Record<string, string>> = {
  Duration: 'duration',
  PositiveDuration: 'duration above `0s`',
  Share: 'share',
  Rate: 'rate',
  Bytes: 'bytes',
  Bandwidth: 'bytes a second',
  Target: 'target',
};

/** The allowed values, in a few words. */
export function valuesOf(property: Property): string {
  const reference = property.$ref?.split('/').at(-1);
  if (reference !== undefined) return WORDS[reference] ?? reference;
  if (property.enum) return property.enum.map(code).join(', ');
  if (property.type === 'integer' || property.type === 'number') return numbers(property);
  if (property.type === 'array') {
    const items = valuesOf(property.items ?? {});
    return items === '' || items === 'text' ? 'list' : `list of ${items}`;
  }
  if (property.anyOf) {
    return [...new Set(property.anyOf.map(valuesOf))].filter((words) => words !== '').join(' or ');
  }
  if (property.type === 'string') return 'text';
  return property.type === 'boolean' ? '`true`, `false`' : '';
}

function numbers({ type, minimum, maximum }: Property): string {
  const what = type === 'integer' ? 'whole number' : 'number';
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (bounded) return `${minimum ?? 0} to ${maximum}`;
  return minimum === undefined ? what : `${what} from ${minimum}`;
}
