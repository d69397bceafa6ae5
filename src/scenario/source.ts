/** A scenario's YAML with the places of its parts. Size, depth and aliases are limited, against hostile files. */

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
import { MAX_WRITTEN_BYTES } from '../regular-file.ts';
import { type Problem, ScenarioError } from './problems.ts';

const MAX_ALIASES = 100;
const MAX_REASON = 200;
const LOST = /^Unexpected .* in YAML stream/;

interface Expected {
  /** What the text should be: `scenario`. */
  readonly what: string;
  /** The page of the documentation that explains its keys. */
  readonly page: string;
}

export class Source {
  readonly file: string;
  readonly value: unknown;
  /** Problems of the YAML that leave the rest readable: duplicate keys, unknown tags. */
  readonly problems: readonly Problem[];
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #keys = new WeakMap<YAMLMap, ReadonlyMap<string, Pair<Node | null>>>();
  readonly #expected: Expected;

  /** @throws ScenarioError where the text is not YAML, not exactly one document, or too large. */
  constructor(text: string, file: string, expected: Expected = { what: 'scenario', page: 'scenario.md' }) {
    this.file = file;
    this.#expected = expected;
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_WRITTEN_BYTES) {
      throw this.#refusal([this.#problem(0, `the file has ${bytes} bytes; the limit is ${MAX_WRITTEN_BYTES}`)]);
    }
    // Not by the parser, which misses line ends after an unmatched bracket.
    this.#lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#lines.addNewLine(at + 1);
    try {
      this.#document = this.#parse(text);
      this.problems = this.#lint();
      this.value = this.#document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
    } catch (error) {
      if (error instanceof ScenarioError) throw error;
      // `toJS` resolves aliases and counts how they multiply.
      throw this.#refusal([this.#problem(0, `not valid YAML: ${reasonOf(errorText(error))}`)]);
    }
  }

  /** The place of the value at a path, or of the nearest existing one above it. */
  placeOf(path: readonly PropertyKey[]): Place {
    return this.#place(this.#nodeAt(path)?.range?.[0] ?? 0);
  }

  /** The place of a key in the mapping at a path. */
  placeOfKey(path: readonly PropertyKey[], key: string): Place {
    const mapping = this.#nodeAt(path);
    const pair = isMap(mapping) ? this.#pairs(mapping).get(key) : undefined;
    const range = pair?.key?.range;
    return range ? this.#place(range[0]) : this.placeOf(path);
  }

  #parse(text: string): Document.Parsed {
    // `#index` checks for duplicate keys: the parser's own check takes quadratic time.
    const documents = parseAllDocuments(text, {
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error',
    });
    const [first, second] = Array.isArray(documents) ? documents : [];
    if (!first || (first.contents === null && first.errors.length === 0 && !second)) {
      throw this.#refusal([this.#problem(0, `the file is empty; expected ${withArticle(this.#expected.what)}`)]);
    }
    // After a syntax error the parser reports every further token as unexpected, some twice.
    const places = new Set<number>();
    const errors = first.errors
      .filter(
        ({ message, pos: [offset] }, i) =>
          (i === 0 || !LOST.test(message)) && !places.has(offset) && places.add(offset),
      )
      .map(({ pos, message }) => this.#problem(pos[0], `not valid YAML: ${reasonOf(message)}`));
    if (second)
      errors.push(this.#problem(second.range[0], `expected one ${this.#expected.what}, found a second YAML document`));
    if (errors.length > 0) throw this.#refusal(errors);
    return first;
  }

  /** Finds duplicate keys and unknown tags. @throws ScenarioError where the value is unusable. */
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

  /** Refuses numbers that some programs read as octal. */
  #octal({ value, source, range }: Scalar): Problem[] {
    if (typeof value !== 'number' || !/^[-+]?0\d/.test(source ?? '')) return [];
    return [this.#problem(range?.[0] ?? 0, `expected a number without a leading zero, found ${source}`)];
  }

  #refuseAlias(alias: Alias, count: number, anchors: ReadonlySet<string>, ancestors: readonly unknown[]): void {
    const refuse = (reason: string): never => {
      throw this.#refusal([this.#problem(alias.range?.[0] ?? 0, `not valid YAML: ${reason}`)]);
    };
    if (!anchors.has(alias.source)) refuse(`no anchor ${quoted(alias.source)} before this alias`);
    if (count > MAX_ALIASES) refuse(`more than ${MAX_ALIASES} aliases`);
    if (ancestors.some((node) => isNode(node) && !isAlias(node) && node.anchor === alias.source)) {
      refuse(`the anchor ${quoted(alias.source)} contains itself`);
    }
  }

  /** Indexes the keys of a mapping. @returns a problem for each duplicate key. */
  #index(map: YAMLMap<Node | null>): Problem[] {
    const problems: Problem[] = [];
    const seen = new Map<string, Pair<Node | null>>();
    for (const pair of map.items) {
      const offset = pair.key?.range?.[0] ?? map.range?.[0] ?? 0;
      if (!isScalar(pair.key)) throw this.#refusal([this.#problem(offset, 'expected a word as the key')]);
      // The same string as in the value that `toJS` makes.
      const key = String(pair.key.value ?? '');
      const first = seen.get(key);
      if (first) {
        const { line } = this.#place(first.key?.range?.[0] ?? 0);
        problems.push(this.#problem(offset, `the key ${quoted(key)} appears twice, first in line ${line}`));
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
      // The place of the alias helps more than the place of its anchor.
      if (isAlias(node)) break;
    }
    return node;
  }

  #pairs(map: YAMLMap): ReadonlyMap<string, Pair<Node | null>> {
    return this.#keys.get(map) ?? new Map();
  }

  #refusal(problems: readonly Problem[]): ScenarioError {
    return new ScenarioError(problems, this.#expected.page);
  }

  #problem(offset: number, message: string): Problem {
    return { place: this.#place(offset), path: '', message };
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** The parser's message, shortened to one line. */
function reasonOf(message: string): string {
  // The parser is recursive.
  if (/Maximum call stack|Stack overflow/.test(message)) return 'it is nested too deeply';
  if (message.startsWith('Excessive alias count')) return 'its aliases multiply to too many values';
  return (message.split('\n', 1)[0] as string).replace(/\p{Cc}/gu, ' ').slice(0, MAX_REASON);
}
