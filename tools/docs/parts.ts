/** The generated parts of the documentation, by the name in their marker. Their contents come from the code. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { met, shown } from '../../bench/figures.ts';
import { recorded } from '../../bench/recorded.ts';
import { checks, faults, workloads } from '../../src/catalog.ts';
import type { Check } from '../../src/checks/check.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Fault } from '../../src/faults/fault.ts';
import { reportSchema } from '../../src/model/report-schema.ts';
import { inventoryJsonSchema } from '../../src/scenario/inventory.ts';
import { scenarioJsonSchema } from '../../src/scenario/schema.ts';
import { readSuiteList } from '../../src/scenario/suite-list.ts';
import { CLIENT_CODES, SQLSTATES } from '../../src/sql/outcome.ts';
import { officialSqlStates } from '../../test/support/errcodes.ts';
import { ROOMS, type Room } from '../../test/support/rooms.ts';
import { commandSections, optionTable } from './options.ts';
import { ROOT } from './page.ts';
import { recordedPage } from './recorded.ts';
import { type Property, parameterTable, propertiesOf, table } from './table.ts';

const scenario = scenarioJsonSchema(vocabulary) as Property;

/** @throws Error if there is no part of that name. */
export function part(name: string): string {
  const [kind = '', ...rest] = name.split(' ');
  const make = PARTS[kind];
  if (!make) throw new Error(`there is no generated part "${name}"; there are ${Object.keys(PARTS).join(', ')}`);
  return make(rest.join(' '));
}

const PARTS: Readonly<Record<string, (of: string) => string>> = {
  check: (name) => checkSection(named(checks, name)),
  checks: () => table(['check', 'what it claims'], checks.map(linked)),
  commands: () => commandSections(),
  options: (name) => optionTable(name),
  'needing-schedule': () => needingSchedule(),
  performance: () => performanceTable(),
  errors: (of) => (of === 'client' ? clientErrors() : serverErrors()),
  example: (file) =>
    `\`${file}\`:\n\n\`\`\`ts\n${readFileSync(join(ROOT, 'examples/own-variants', file), 'utf8')}\`\`\``,
  fault: (name) => faultSection(named(faults, name)),
  faults: () =>
    table(
      ['fault', 'what it does', 'lasts'],
      faults.map((fault) => [...linked(fault), fault.strikes ? 'ends by itself' : '`for`']),
    ),
  file: (of) => fileBlock(of),
  inventory: (path) => parameterTable(inventoryAt(path)),
  keys: (path) => parameterTable(at(path)),
  recorded: (what) => recordedPage(what),
  report: () => table(['field', 'what it holds'], reportRows()),
  rooms: () => table(['folder or file', 'what lives there', 'may import'], ROOMS.map(roomRow)),
  scenario: (name) => `\`\`\`yaml\n${scenarioText(name)}\`\`\``,
  scenarios: (names) => table(['scenario', 'what happens, and what is expected'], scenarioRows(names)),
  suite: (name) => table(['scenario', 'what happens, and what is expected'], scenarioRows(suiteOf(name).join(', '))),
  unknown: (name) => `\`unknown\`: ${named(checks, name).unknownWhen ?? ''}`,
};

interface Variant {
  readonly name: string;
  readonly summary: string;
  readonly params: Parameters<typeof propertiesOf>[0];
}

function named<V extends Variant>(variants: readonly V[], name: string): V {
  const found = variants.find((variant) => variant.name === name);
  if (!found) throw new Error(`nothing is called "${name}"`);
  return found;
}

function variant({ summary, params }: Variant): string {
  const schema = propertiesOf(params);
  return Object.keys(schema.properties ?? {}).length === 0 ? summary : `${summary}\n\n${parameterTable(schema)}`;
}

function checkSection(check: Check): string {
  return check.always ? `${variant(check)}\n\nEvery run makes this check.` : variant(check);
}

/** Checks that bear a pause of the load in part come first. */
function needingSchedule(): string {
  const of = (how: Check['needsKeptSchedule']) =>
    checks.flatMap(({ name, needsKeptSchedule }) => (needsKeptSchedule === how ? [`\`${name}\``] : []));
  const names = [...of('operations'), ...of('whole-run')].join(', ');
  return `Then these checks are \`unknown\` instead of failed: ${names}.`;
}

function faultSection(fault: Fault): string {
  const { docs, strikes } = fault;
  if (!docs) throw new Error(`the fault ${fault.name} does not say how it is proven`);
  const note = [docs.note, strikes ? undefined : 'Needs `for`.']
    .filter((words) => words !== undefined)
    .join(' ')
    .replace('Needs the engine `patroni`. Needs `for`.', 'Needs the engine `patroni` and `for`.');
  const proof =
    docs.undo === undefined ? [`- Proof and undo: ${docs.proof}`] : [`- Proof: ${docs.proof}`, `- Undo: ${docs.undo}`];
  const example = ['```yaml', ...docs.example, '```'].join('\n');
  return [variant(fault), note, proof.join('\n'), example].filter((text) => text !== '').join('\n\n');
}

function roomRow({ names, holds, mayImport }: Room): string[] {
  return [names.map((name) => `\`${name}\``).join(', '), holds, mayImport];
}

function linked({ name, summary }: Variant): [string, string] {
  return [`[\`${name}\`](#${name})`, summary.replace(/\.$/, '')];
}

/** A part of a scenario: `top`, a section by its key, `workload sql`, `workload sql operations`. */
function at(path: string): Property {
  const [section = '', use = '', ...inner] = path.split(' ');
  if (section === 'top') return withoutInner(scenario);
  const outer =
    section === 'workload' ? propertiesOf(named(workloads, use).params) : innerOf(scenario.properties?.[section]);
  const found = inner.reduce((of, key) => innerOf(of.properties?.[key]), outer);
  return { ...found, properties: described(found.properties ?? {}) };
}

/** Takes shared descriptions from `$defs`; the table of faults explains the value of `fault`. */
function described(properties: NonNullable<Property['properties']>): NonNullable<Property['properties']> {
  const one = ([name, property]: [string, Property]): [string, Property] => {
    if (name === 'fault') return [name, { description: 'Which fault.', enum: [] }];
    const shared = scenario.$defs?.[property.$ref?.split('/').at(-1) ?? ''];
    return [name, { ...(shared?.description && { description: shared.description }), ...property }];
  };
  return Object.fromEntries(Object.entries(properties).map(one));
}

/** A part of an inventory: `top`, or the keys of a node or route and those inside: `nodes`, `nodes docker`. */
function inventoryAt(path: string): Property {
  const inventory = inventoryJsonSchema() as Property;
  if (path === 'top') return withoutInner(inventory);
  const [section = '', ...inner] = path.split(' ');
  const one = inventory.properties?.[section]?.additionalProperties ?? {};
  return withoutInner(inner.reduce((of, key) => innerOf(of.properties?.[key]), one));
}

/** The items of a list; of several forms, the one with keys. */
function innerOf(property: Property = {}): Property {
  const one = property.items ?? property;
  return one.anyOf?.find(({ properties }) => properties) ?? one;
}

/** Leaves out the keys of sections, which have their own tables. */
function withoutInner(schema: Property): Property {
  const properties = Object.entries(schema.properties ?? {}).map(([name, { description, default: value, ...rest }]) => {
    const short = { ...(description && { description }), ...(value !== undefined && { default: value }) };
    return [name, rest.anyOf || rest.properties || rest.items ? short : { ...short, ...rest }] as const;
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

function serverErrors(): string {
  const names = new Map(officialSqlStates().map(({ code, name }) => [code, name]));
  return table(
    ['code', 'name', 'outcome of a write', 'why'],
    [...SQLSTATES].map(([code, { outcome, reason }]) => [
      `\`${code}\``,
      code.length === 2 ? `class ${code}` : `\`${names.get(code)}\``,
      `\`${outcome}\``,
      reason,
    ]),
  );
}

function clientErrors(): string {
  return table(
    ['code', 'while connecting', 'write, after it was sent', 'why'],
    [...CLIENT_CODES].map(([code, { connecting, sent, reason }]) => [
      `\`${code}\``,
      `\`${connecting}\``,
      `\`${sent}\``,
      reason,
    ]),
  );
}

/** @param of a language and a file, relative to the root. */
function fileBlock(of: string): string {
  const [language, path = ''] = of.split(' ');
  return `\`\`\`${language}\n${readFileSync(join(ROOT, path), 'utf8')}\`\`\``;
}

function reportRows(): string[][] {
  const figures = Object.keys(propertiesOf(reportSchema.shape.figures).properties ?? {}).map((name) => `\`${name}\``);
  return Object.entries(propertiesOf(reportSchema).properties ?? {}).map(([name, { description = '' }]) => [
    `\`${name}\``,
    name === 'figures' ? `${description} ${figures.join(', ')}` : description,
  ]);
}

/** A scenario without the comments at its top, which are for readers of the file. */
function scenarioText(name: string): string {
  return readFileSync(join(ROOT, 'scenarios', `${name}.yaml`), 'utf8').replace(/^(#.*\n|\n)+/, '');
}

function suiteOf(name: string): readonly string[] {
  const file = join(ROOT, 'scenarios', `${name}.suite.yaml`);
  return readSuiteList(readFileSync(file, 'utf8'), file);
}

/** The newest figures of each benchmark, and whether the machine was idle. */
function performanceTable(): string {
  const rows = recorded().flatMap(({ name, measuredOn, figures, state }) =>
    figures.map((figure) => {
      const { what, goal, atLeast = false, spread, limit: least } = figure;
      const between = spread ? ` (${spread.map(shown).join(' to ')})` : '';
      const limit = `${atLeast ? '≥' : '≤'} ${goal}`;
      const said = `${shown(figure.figure)}${between}`;
      return [
        `\`${name}\``,
        what,
        said,
        limit,
        met(figure) ? 'met' : '**missed**',
        least ? `${least.what}: ${shown(least.figure)}` : '',
        state.calm ? measuredOn : `${measuredOn}, busy`,
      ];
    }),
  );
  return table(['benchmark', 'figure', 'median (spread)', 'goal', '', 'limit, measured with it', 'measured on'], rows);
}

function scenarioRows(names: string): string[][] {
  return names.split(', ').map((name) => {
    const { summary } = parse(scenarioText(name)) as { summary: string };
    return [`[\`${name}\`](../scenarios/${name}.yaml)`, summary];
  });
}
