/** Pieces of Markdown that GitHub renders: tables and folded details. Their content comes escaped. */

export interface Column {
  readonly title: string;
  /** Figures are aligned to the right, marks to the centre. Left by default. */
  readonly align?: keyof typeof RULES;
}

const RULES = { left: '---', right: '---:', center: ':---:' } as const;

/** The lines of a table, without the blank lines that it needs around it. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => (cell === '' ? ' ' : cell)).join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    `|${columns.map(({ align = 'left' }) => RULES[align]).join('|')}|`,
    ...rows.map(line),
  ];
}

/** Lines that are folded away under a summary. */
export function details(summary: string, lines: readonly string[]): string[] {
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>'];
}

/** Blocks with one blank line between them; empty blocks are left out. */
export function blocks(...parts: readonly (readonly string[])[]): string[] {
  return parts.filter((part) => part.length > 0).flatMap((part, i) => (i === 0 ? part : ['', ...part]));
}
