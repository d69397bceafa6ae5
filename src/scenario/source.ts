/** A scenario's file as YAML: its value, and where in the file each part of it stands. */

import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments } from 'yaml';
import type { Place } from '../model/scenario.ts';
import { type Problem, ScenarioError } from './problems.ts';

export class Source {
  readonly file: string;
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  /** @throws ScenarioError where it is no YAML, or more or less than one document. */
  constructor(text: string, file: string) {
    this.file = file;
    this.#lines = new LineCounter();
    const documents = parseAllDocuments(text, { lineCounter: this.#lines, prettyErrors: false });
    const [first, second] = Array.isArray(documents) ? documents : [];
    if (!first) throw new ScenarioError([this.#problem(0, 'the file is empty; expected a scenario')]);
    const errors = first.errors.map(({ pos, message }) =>
      this.#problem(pos[0], `not valid YAML: ${firstLine(message)}`),
    );
    if (second) errors.push(this.#problem(second.range[0], 'expected one scenario, found a second YAML document'));
    if (errors.length > 0) throw new ScenarioError(errors);
    this.#document = first;
    try {
      this.value = first.toJS({ maxAliasCount: 50 }) as unknown;
    } catch (error) {
      throw new ScenarioError([this.#problem(0, `not valid YAML: ${firstLine(String(error))}`)]);
    }
  }

  /** Of the value at a path, or of the nearest that exists above it. */
  placeOf(path: readonly PropertyKey[]): Place {
    let node: Node | null = this.#document.contents;
    for (const part of path) {
      const next = isMap(node)
        ? (pairOf(node.items as Pair[], part)?.value as Node | null | undefined)
        : isSeq(node)
          ? (node.items[part as number] as Node | undefined)
          : undefined;
      if (!next) break;
      node = next;
    }
    return this.#place(node?.range?.[0] ?? 0);
  }

  /** Of a key in the mapping at a path. */
  placeOfKey(path: readonly PropertyKey[], key: PropertyKey): Place {
    const mapping = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    const pair = isMap(mapping) ? pairOf(mapping.items as Pair[], key) : undefined;
    const range = (pair?.key as Node | undefined)?.range;
    return range ? this.#place(range[0]) : this.placeOf(path);
  }

  #problem(offset: number, message: string): Problem {
    return { place: this.#place(offset), path: '', message };
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function pairOf(items: readonly Pair[], key: PropertyKey): Pair | undefined {
  return items.find((pair) => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key)) === String(key));
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
