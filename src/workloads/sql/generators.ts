/** The parameters of a statement as a scenario writes them: `uniform(1, 1000)`, `sequence()`, `pick([a, b])`, `uuid()`. */

import { nearest } from '../../model/nearest.ts';
import { expectedButFound, quoted } from '../../model/quoted.ts';

/** The value of a parameter in the nth operation of its kind, from 1. */
export type Generator = (seq: number, random: () => number) => string | number;

export type Parsed =
  | { readonly name: 'uniform'; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly name: 'sequence'; readonly first: number }
  | { readonly name: 'pick'; readonly of: readonly string[] }
  | { readonly name: 'uuid' };

const FORMS = {
  uniform: 'uniform(min, max)',
  sequence: 'sequence(), or sequence(first)',
  pick: 'pick([a, b])',
  uuid: 'uuid()',
} as const;

const GENERATORS = Object.keys(FORMS) as (keyof typeof FORMS)[];
const NUMBER = /^-?\d+(\.\d+)?$/;
const CALL = /^\s*([a-z_]+)\s*\((.*)\)\s*$/is;

/** @returns the parsed form, or what is wrong with it. */
export function parseGenerator(text: string): Parsed | { readonly problem: string } {
  const call = CALL.exec(text);
  if (!call) {
    const cut = text.includes('(') ? ': in a one-line list, commas split it; put quotes around it' : '';
    return { problem: `${expectedButFound(Object.values(FORMS).join('; '), text)}${cut}` };
  }
  const [, name = '', inside = ''] = call;
  if (!isKnown(name)) {
    const meant = nearest(name, GENERATORS);
    const help = meant === undefined ? '' : `; did you mean ${quoted(meant)}?`;
    return { problem: `${expectedButFound(`one of ${GENERATORS.join(', ')}`, name)}${help}` };
  }
  return parsers[name](inside.trim()) ?? { problem: expectedButFound(FORMS[name], text) };
}

function isKnown(name: string): name is keyof typeof FORMS {
  return Object.hasOwn(FORMS, name);
}

const parsers: Readonly<Record<keyof typeof FORMS, (inside: string) => Parsed | undefined>> = {
  uniform(inside) {
    const parts = inside.split(',').map((part) => part.trim());
    if (parts.length !== 2 || !parts.every((part) => NUMBER.test(part))) return undefined;
    const [min, max] = parts.map(Number) as [number, number];
    return min <= max ? { name: 'uniform', min, max, whole: parts.every((part) => !part.includes('.')) } : undefined;
  },
  sequence(inside) {
    if (inside === '') return { name: 'sequence', first: 1 };
    const first = Number(inside);
    return /^\d{1,15}$/.test(inside) && first >= 1 ? { name: 'sequence', first } : undefined;
  },
  pick(inside) {
    const list = /^\[(.*)\]$/s.exec(inside)?.[1];
    const of = list === undefined ? undefined : itemsOf(list);
    return of === undefined || of.length === 0 ? undefined : { name: 'pick', of };
  },
  uuid: (inside) => (inside === '' ? { name: 'uuid' } : undefined),
};

/** One item of a list: quoted, with quotes inside doubled, or bare up to the next comma. */
const ITEM = /\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([^\s,'"][^,]*?))\s*(,|$)/y;

/** @returns the items; `undefined` if the text is not a list. */
function itemsOf(list: string): string[] | undefined {
  const items: string[] = [];
  ITEM.lastIndex = 0;
  for (;;) {
    const [whole, single, double, bare, end] = ITEM.exec(list) ?? [];
    if (whole === undefined) return undefined;
    items.push(single?.replaceAll("''", "'") ?? double?.replaceAll('""', '"') ?? (bare as string));
    if (end === '') return items;
  }
}

/** @param writer goes into every UUID, so that no other run on the same tables creates the same. */
export function generator(text: string, writer: number): Generator {
  const parsed = parseGenerator(text);
  if ('problem' in parsed) throw new Error(`${quoted(text)}: ${parsed.problem}`);
  switch (parsed.name) {
    case 'uniform': {
      const { min, max, whole } = parsed;
      return (_, random) =>
        whole ? Math.min(max, min + Math.floor(random() * (max - min + 1))) : min + random() * (max - min);
    }
    case 'sequence':
      return (seq) => parsed.first + seq - 1;
    case 'pick':
      return (_, random) => parsed.of[Math.floor(random() * parsed.of.length)] as string;
    case 'uuid':
      return (seq) => uuidOf(writer, seq);
  }
}

const HASH_MASK = (1n << 64n) - 1n;

/**
 * A UUID of version 8 (RFC 9562) that identifies its write: 60 bits that look random and follow from the rest, 12 bits of
 * the writer, 48 bits of the sequence number.
 */
export function uuidOf(writer: number, seq: number): string {
  const hash = mix((BigInt(writer & 0xfff) << 48n) | BigInt(seq))
    .toString(16)
    .padStart(16, '0');
  const variant = (8 + (Number.parseInt(hash[15] as string, 16) & 3)).toString(16);
  const who = (writer & 0xfff).toString(16).padStart(3, '0');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(12, 15)}-${variant}${who}-${seq.toString(16).padStart(12, '0')}`;
}

/** The inverse of `uuidOf`; `undefined` for other UUIDs. */
export function keyOfUuid(text: string): { readonly writer: number; readonly seq: number } | undefined {
  const uuid = text.toLowerCase();
  const [, who, count] = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]([0-9a-f]{3})-([0-9a-f]{12})$/.exec(uuid) ?? [];
  if (who === undefined || count === undefined) return undefined;
  const key = { writer: Number.parseInt(who, 16), seq: Number.parseInt(count, 16) };
  return uuidOf(key.writer, key.seq) === uuid ? key : undefined;
}

/** SplitMix64's finalizer: every bit of the input changes half of the output's. */
function mix(value: bigint): bigint {
  let h = (value + 0x9e37_79b9_7f4a_7c15n) & HASH_MASK;
  h = ((h ^ (h >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & HASH_MASK;
  h = ((h ^ (h >> 27n)) * 0x94d0_49bb_1331_11ebn) & HASH_MASK;
  return h ^ (h >> 31n);
}
