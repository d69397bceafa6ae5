/**
 * The content of a report, a proof or a comparison as values: sections, tables, figures and notes. Terminal, Markdown and
 * HTML renderers draw these blocks and nothing else, so content is added in one place. Renderers escape the text.
 */

import { type CheckResult, type Judgement, subjectAsWritten } from '../model/verdict.ts';

/** The marks on terminals and pages. */
export const MARKS: Readonly<Record<Judgement, string>> = { pass: '✔', fail: '✘', unknown: '?' };

export type Inline =
  | string
  /** `said`: a text from a server, a scenario or the system; long ones are clipped. */
  | { readonly is: 'said' | 'code' | 'strong' | 'differs'; readonly text: string }
  | { readonly is: 'verdict'; readonly judgement: Judgement; readonly text?: string }
  /** `to`: `#data` on the same page, or a file beside the report. */
  | { readonly is: 'link'; readonly to: string; readonly text: string }
  /** Whether a node holds a copy. */
  | { readonly is: 'holds'; readonly holds: boolean };

export type Words = Inline | readonly Inline[];

export interface Column {
  readonly title: string;
  /** Right for figures, centre for marks; left by default. */
  readonly align?: 'right' | 'center';
}

export interface Table {
  readonly type: 'table';
  readonly id?: string;
  /** What the rows show. */
  readonly caption?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Words[])[];
}

export interface HeadlineFigure {
  readonly title: string;
  readonly value: string;
  /** The checks of the hypothesis that limit the figure, if any. */
  readonly limits: readonly Pick<CheckResult, 'judgement' | 'expected'>[];
  /** The section of the report with the evidence. */
  readonly evidence: 'Service' | 'Data' | 'Events';
}

export type Block =
  | { readonly type: 'title'; readonly text: string; readonly judgement?: Judgement }
  | { readonly type: 'section'; readonly title: string; readonly id?: string; readonly blocks: readonly Block[] }
  | { readonly type: 'quote'; readonly text: string }
  | { readonly type: 'line'; readonly words: Words; readonly role?: 'finding' | 'aside' }
  | { readonly type: 'list'; readonly items: readonly Words[] }
  /** Checks with their verdicts. A terminal lists those in `quiet` in one line. */
  | {
      readonly type: 'results';
      readonly results: readonly CheckResult[];
      readonly quiet?: readonly CheckResult[];
      readonly caption?: string;
      readonly partitionWord?: string | undefined;
    }
  /** Names with lines of text: the first beside the name, the others below it. */
  | {
      readonly type: 'named';
      readonly entries: readonly { readonly name: string; readonly lines: readonly string[] }[];
      /** All texts begin in the same column. */
      readonly aligned?: true;
    }
  | { readonly type: 'figures'; readonly figures: readonly HeadlineFigure[] }
  /** `file` is the picture's file beside the document; a picture without one is drawn only on the HTML page. */
  | { readonly type: 'picture'; readonly name: string; readonly alt: string; readonly file?: string }
  | {
      readonly type: 'details';
      readonly summary: string;
      readonly judgement?: Judgement;
      readonly open?: true;
      readonly blocks: readonly Block[];
    }
  | {
      readonly type: 'code';
      readonly language: 'sql' | 'sh';
      readonly label?: string;
      readonly id?: string;
      readonly lines: readonly string[];
    }
  | Table;

export const left = (title: string): Column => ({ title });
export const right = (title: string): Column => ({ title, align: 'right' });
export const center = (title: string): Column => ({ title, align: 'center' });

export const said = (text: string): Inline => ({ is: 'said', text });
export const code = (text: string): Inline => ({ is: 'code', text });
export const strong = (text: string): Inline => ({ is: 'strong', text });
export const verdict = (judgement: Judgement, text?: string): Inline => ({
  is: 'verdict',
  judgement,
  ...(text === undefined ? {} : { text }),
});

export const line = (words: Words): Block => ({ type: 'line', words });
export const list = (items: readonly Words[]): Block => ({ type: 'list', items });

export function section(title: string, blocks: readonly Block[], id?: string): Block {
  return { type: 'section', title, blocks, ...(id === undefined ? {} : { id }) };
}

export function table(
  columns: readonly Column[],
  rows: Table['rows'],
  rest: Pick<Table, 'id' | 'caption'> = {},
): Table {
  return { type: 'table', columns, rows, ...rest };
}

/** A table of checks: verdict, expected, observed. */
export function resultTable(results: readonly CheckResult[], caption?: string): Table {
  return table(
    [left('check'), left('expected'), left('observed')],
    results.map((result) => {
      const subject = subjectAsWritten(result);
      const name = [verdict(result.judgement), ' ', code(result.check), ...(subject === '' ? [] : [` ${subject}`])];
      return [name, said(result.expected), said(result.observed)];
    }),
    caption === undefined ? {} : { caption },
  );
}

/** A list of names with their lines, for renderers without columns. */
export function namedList({ entries }: Block & { type: 'named' }): Block {
  return list(entries.map(({ name, lines }) => [strong(name), ` ${lines.join('; ')}`]));
}

/** A table of names and values. */
export function facts(rows: Table['rows'], rest: Pick<Table, 'caption'> = {}): Table {
  return table([left('what'), left('value')], rows, rest);
}

export function partsOf(words: Words): readonly Inline[] {
  return isList(words) ? words : [words];
}

function isList(words: Words): words is readonly Inline[] {
  return Array.isArray(words);
}
