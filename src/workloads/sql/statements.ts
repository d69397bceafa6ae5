/** Parses statements with PostgreSQL's own parser, without a server. */

import { formatCount } from '../../model/units.ts';

interface Tree {
  readonly stmts?: readonly { readonly stmt?: Readonly<Record<string, unknown>> }[];
}

interface Parser {
  parse(sql: string): Promise<unknown>;
}

/** A place in a text; lines and columns count from 1. */
interface TextPlace {
  readonly line: number;
  readonly column: number;
}

export interface Statement {
  /** `SelectStmt`, `InsertStmt`. */
  readonly kind: string;
  /** The number of statements in the text. */
  readonly count: number;
  /** The numbers n of all `$n` in it. */
  readonly params: ReadonlySet<number>;
  /** Whether it changes or locks rows. */
  readonly writes: boolean;
  /** Whether it creates a table from its result (INTO). */
  readonly into: boolean;
  /** Whether it returns columns. */
  readonly returns: boolean;
}

export type Read = Statement | { readonly problem: string; readonly at: TextPlace | undefined };

/** Imported only when needed, because loading WebAssembly is slow. */
async function parser(): Promise<Parser> {
  return (await import('libpg-query')) as unknown as Parser;
}

/** Parses a text of statements. @returns the first statement, or what is wrong and where. */
export async function readStatements(sql: string): Promise<Read> {
  let tree: Tree;
  try {
    tree = (await (await parser()).parse(sql)) as Tree;
  } catch (error) {
    const details = (error as { sqlDetails?: { cursorPosition?: number } }).sqlDetails;
    const message = error instanceof Error ? error.message : String(error);
    return { problem: message, at: placeIn(sql, details?.cursorPosition) };
  }
  const statements = (tree.stmts ?? []).map(({ stmt = {} }) => stmt);
  const params = new Set<number>();
  let writes = false;
  let into = false;
  visit(statements, (name, node) => {
    if (name === 'ParamRef') params.add(Number((node as { number?: number }).number ?? 0));
    if (WRITING.has(name)) writes = true;
    if (name === 'intoClause') into = true;
  });
  const [kind = 'nothing', body] = Object.entries(statements[0] ?? {})[0] ?? [];
  const { targetList = [], valuesLists = [], op } = (body ?? {}) as SelectBody;
  const returns = targetList.length + valuesLists.length > 0 || (op !== undefined && op !== 'SETOP_NONE');
  return { kind, count: statements.length, params, writes, into, returns };
}

interface SelectBody {
  readonly targetList?: readonly unknown[];
  readonly valuesLists?: readonly unknown[];
  /** `SETOP_UNION`. */
  readonly op?: string;
}

/** The statements that a server prepares; only these take parameters. */
const PREPARED = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** White space and comments before a statement. */
const BEFORE = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/;

const WRITING = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'LockingClause']);

function visit(value: unknown, see: (name: string, node: unknown) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) visit(one, see);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      see(name, inner);
      visit(inner, see);
    }
  }
}

function placeIn(text: string, offset: number | undefined): TextPlace | undefined {
  if (offset === undefined || offset < 0) return undefined;
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/** `, at line 2, column 5 of it`; empty if the place is not known. */
function placeWords(at: TextPlace | undefined): string {
  return at === undefined ? '' : `, at line ${at.line}, column ${at.column} of it`;
}

/** @returns what is wrong with an operation's statement; `undefined` if nothing is. */
export async function problemOfOperation(
  sql: string,
  { access, given }: { readonly access: 'read' | 'write'; readonly given: number },
): Promise<string | undefined> {
  const read = await readStatements(sql);
  if ('problem' in read) return `PostgreSQL cannot parse it: ${read.problem}${placeWords(read.at)}`;
  if (read.count !== 1) return `expected one statement, found ${read.count === 0 ? 'none' : read.count}`;
  if (read.kind === 'TransactionStmt')
    return 'expected a statement that is its own transaction, found one that begins or ends a transaction';
  const unprepared = unpreparedWords(read, sql);
  if (unprepared !== undefined) return unprepared;
  if (read.params.has(0)) return 'it has $0, but parameters count from $1';
  if (read.writes && access === 'read') return 'it changes or locks rows: expected "access: write"';
  const highest = Math.max(0, ...read.params);
  if (highest > given)
    return `it has $${highest}, but ${given === 0 ? 'there are no params' : `params has ${formatCount(given, 'value')}`}`;
  const unused = Array.from({ length: given }, (_, i) => i + 1).filter((n) => !read.params.has(n));
  if (unused.length === 0) return undefined;
  return `params has ${formatCount(given, 'value')}, but it does not use ${unused.map((n) => `$${n}`).join(', ')}`;
}

/** @returns why no server prepares the statement; `undefined` if servers do. */
function unpreparedWords({ kind, into }: Statement, sql: string): string | undefined {
  const expected = 'expected a SELECT, INSERT, UPDATE, DELETE or MERGE';
  if (into) return `${expected}, found one that creates a table (INTO)`;
  if (PREPARED.has(kind)) return undefined;
  const [word = 'another one'] = /^\w+/.exec(sql.replace(BEFORE, '')) ?? [];
  return `${expected}, found ${word.toUpperCase()}; statements to run once belong in "setup"`;
}

/** A statement for embedding in others: without its semicolon, and with a new line after a final comment. */
export function embedded(sql: string): string {
  return `${sql.trim().replace(/;\s*(?:--[^\n]*\s*)*$/, '')}${sql.includes('--') ? '\n' : ''}`;
}

/** Like `problemOfOperation`, for the query that returns all keys. */
export async function problemOfVerify(sql: string): Promise<string | undefined> {
  const read = await readStatements(sql);
  if ('problem' in read) return `PostgreSQL cannot parse it: ${read.problem}${placeWords(read.at)}`;
  if (read.count !== 1 || read.kind !== 'SelectStmt' || !read.returns)
    return 'expected one SELECT that returns the keys';
  if (read.into) return 'expected a SELECT that returns the keys, found one that creates a table (INTO)';
  if (read.writes) return 'expected a SELECT that neither changes nor locks rows';
  return read.params.size > 0 ? 'expected a SELECT without parameters' : undefined;
}
