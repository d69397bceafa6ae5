/**
 * A scenario's file as YAML: its value, and where in the file each part of it stands. Files come from
 * strangers too, so size, depth and aliases have limits.
 */

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { errorText } from '../model/errors.ts';
import { quoted } from '../model/quoted.ts';
import type { Place } from '../model/scenario.ts';
import { MAX_BYTES } from './find.ts';
import { type Problem, ScenarioError } from './problems.ts';

const MAX_ALIASES = 100;
const MAX_REASON = 200;
const LOST = /^Unexpected .* in YAML stream/;

export class Source {
  readonly file: string;
  readonly value: unknown;
  /** What is wrong with the YAML and does not keep the rest from being looked at: duplicate keys, unknown tags. */
  readonly problems: readonly Problem[];
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #keys = new WeakMap<YAMLMap, ReadonlyMap<string, Pair<Node | null>>>();

  /** @throws ScenarioError where it is no YAML, or more or less than one document, or too large. */
  constructor(text: string, file: string) {
    this.file = file;
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_BYTES) {
      throw new ScenarioError([this.#problem(0, `the file has ${bytes} bytes; the limit is ${MAX_BYTES}`)]);
    }
    // By hand: the parser misses the ends of lines that follow a bracket without a partner.
    this.#lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#lines.addNewLine(at + 1);
    try {
      this.#document = this.#parse(text);
      this.problems = this.#lint();
      this.value = this.#document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
    } catch (error) {
      if (error instanceof ScenarioError) throw error;
      // Aliases are resolved, and counted as they multiply, only when the value is made.
      throw new ScenarioError([this.#problem(0, `not valid YAML: ${reasonOf(errorText(error))}`)]);
    }
  }

  /** Of the value at a path, or of the nearest that exists above it. */
  placeOf(path: readonly PropertyKey[]): Place {
    return this.#place(this.#nodeAt(path)?.range?.[0] ?? 0);
  }

  /** Of a key in the mapping at a path. */
  placeOfKey(path: readonly PropertyKey[], key: string): Place {
    const mapping = this.#nodeAt(path);
    const pair = isMap(mapping) ? this.#pairs(mapping).get(key) : undefined;
    const range = pair?.key?.range;
    return range ? this.#place(range[0]) : this.placeOf(path);
  }

  #parse(text: string): Document.Parsed {
    // Unique keys are held by hand below: the parser's way takes quadratic time.
    const documents = parseAllDocuments(text, {
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error',
    });
    const [first, second] = Array.isArray(documents) ? documents : [];
    if (!first || (first.contents === null && first.errors.length === 0 && !second)) {
      throw new ScenarioError([this.#problem(0, 'the file is empty; expected a scenario')]);
    }
    // Once the parser has lost its place it finds every further token unexpected, and some more than once.
    const places = new Set<number>();
    const errors = first.errors
      .filter(
        ({ message, pos: [offset] }, i) =>
          (i === 0 || !LOST.test(message)) && !places.has(offset) && places.add(offset),
      )
      .map(({ pos, message }) => this.#problem(pos[0], `not valid YAML: ${reasonOf(message)}`));
    if (second) errors.push(this.#problem(second.range[0], 'expected one scenario, found a second YAML document'));
    if (errors.length > 0) throw new ScenarioError(errors);
    return first;
  }

  /** Duplicate keys and unknown tags. @throws ScenarioError for what makes the value unusable. */
  #lint(): Problem[] {
    const problems = this.#document.warnings.map(({ pos, message }) => this.#problem(pos[0], reasonOf(message)));
    const anchors = new Set<string>();
    let aliases = 0;
    visit(this.#document, (_, node, ancestors) => {
      if (isAlias(node)) this.#refuseAlias(node, ++aliases, anchors, ancestors);
      else if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
      if (isScalar(node)) problems.push(...this.#octal(node));
      if (isMap(node)) for (const problem of this.#index(node as YAMLMap<Node | null>)) problems.push(problem);
    });
    return problems;
  }

  /** A number that some programs read in base 8. */
  #octal({ value, source, range }: Scalar): Problem[] {
    if (typeof value !== 'number' || !/^[-+]?0\d/.test(source ?? '')) return [];
    return [this.#problem(range?.[0] ?? 0, `expected a number without a leading zero, found ${source}`)];
  }

  #refuseAlias(alias: Alias, count: number, anchors: ReadonlySet<string>, ancestors: readonly unknown[]): void {
    const refuse = (reason: string): never => {
      throw new ScenarioError([this.#problem(alias.range?.[0] ?? 0, `not valid YAML: ${reason}`)]);
    };
    if (!anchors.has(alias.source)) refuse(`no anchor ${quoted(alias.source)} before this alias`);
    if (count > MAX_ALIASES) refuse(`more than ${MAX_ALIASES} aliases`);
    if (ancestors.some((node) => isNode(node) && !isAlias(node) && node.anchor === alias.source)) {
      refuse(`the anchor ${quoted(alias.source)} contains itself`);
    }
  }

  /** Notes where the keys of a mapping stand. @returns a problem for each key that stands there again. */
  #index(map: YAMLMap<Node | null>): Problem[] {
    const problems: Problem[] = [];
    const seen = new Map<string, Pair<Node | null>>();
    for (const pair of map.items) {
      const offset = pair.key?.range?.[0] ?? map.range?.[0] ?? 0;
      if (!isScalar(pair.key)) throw new ScenarioError([this.#problem(offset, 'expected a word as the key')]);
      // As the key is named in the value.
      const key = String(pair.key.value ?? '');
      const first = seen.get(key);
      if (first) {
        const { line } = this.#place(first.key?.range?.[0] ?? 0);
        problems.push(this.#problem(offset, `the key ${quoted(key)} stands here twice, first in line ${line}`));
      } else seen.set(key, pair);
    }
    this.#keys.set(map, seen);
    return problems;
  }

  #nodeAt(path: readonly PropertyKey[]): Node | null {
    let node: Node | null = this.#document.contents;
    for (const part of path) {
      const next = isMap(node)
        ? this.#pairs(node).get(String(part))?.value
        : isSeq(node)
          ? node.items[part as number]
          : undefined;
      if (!next) break;
      node = next as Node;
      // Where an alias stands in the file helps more than where its value does.
      if (isAlias(node)) break;
    }
    return node;
  }

  #pairs(map: YAMLMap): ReadonlyMap<string, Pair<Node | null>> {
    return this.#keys.get(map) ?? new Map();
  }

  #problem(offset: number, message: string): Problem {
    return { place: this.#place(offset), path: '', message };
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** The parser's words, fit for one line of a terminal. */
function reasonOf(message: string): string {
  // It calls itself for every level.
  if (/Maximum call stack|Stack overflow/.test(message)) return 'it is nested too deeply';
  if (message.startsWith('Excessive alias count')) return 'its aliases multiply to too many values';
  return (message.split('\n', 1)[0] as string).replace(/\p{Cc}/gu, ' ').slice(0, MAX_REASON);
}
