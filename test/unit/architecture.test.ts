/** The import rules of docs/architecture.md, and the table of rooms that it shows, held by reading every import in src/. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shipped } from '../../src/catalog.ts';
import { ROOMS } from '../support/rooms.ts';

const SRC = resolve(import.meta.dirname, '../../src');

interface Import {
  readonly from: string;
  /** Relative to src/, or a package's name. */
  readonly to: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)|^import\s+['"]([^'"]+)['"]/gm,
  );
  return [...found].map((match) => {
    const specifier = (match[1] ?? match[2] ?? match[3]) as string;
    const to = specifier.startsWith('.')
      ? relative(SRC, resolve(dirname(join(SRC, from)), specifier))
      : specifier.startsWith('node:')
        ? specifier
        : specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/');
    return { from, to };
  });
});

/** The contract of a wing is a port for those above it; what else is in the wing is a variant. */
const CONTRACTS = new Set([
  'faults/fault.ts',
  'checks/check.ts',
  'workloads/workload.ts',
  // How operations are paced is written in the same words everywhere, by workloads of others too.
  'workloads/pace.ts',
  'reporters/reporter.ts',
]);

/** Top to bottom; a file may import from its own room and from rooms below. */
const KEYS = [
  'cli',
  'index.ts',
  'vitest.ts',
  'contract.ts',
  'contract',
  'config.ts',
  'pgquake.ts',
  'retries.ts',
  'quake.ts',
  'prove.ts',
  'proven-set.ts',
  'run-parts.ts',
  'choose.ts',
  'own-variants.ts',
  'catalog.ts',
  'planner.ts',
  'load-thread.ts',
  'witness-thread.ts',
  'scenario',
  'run',
  'run-index.ts',
  'store.ts',
  'operations-file.ts',
  'operations-file',
  'version-1.ts',
  'judge.ts',
  'report.ts',
  'faults',
  'workloads',
  'platforms',
  'engines',
  'checks',
  'reporters',
  'measure',
  'plan',
  'cluster',
  'sql',
  'disk',
  'find-config.ts',
  'home-folder.ts',
  'make-folder.ts',
  'regular-file.ts',
  'model',
] as const;

const keyOf = (file: string) => file.split('/')[0] as string;
const levelOf = (file: string) => KEYS.indexOf(keyOf(file) as (typeof KEYS)[number]);
const isLocal = (to: string) => files.includes(to);

const VARIANT_WINGS = new Set(['faults', 'workloads', 'platforms', 'engines', 'checks', 'reporters']);

const table = ROOMS.map(({ names, mayImport }) => ({ rooms: names.map((name) => name.replace(/\/$/, '')), mayImport }));

/** Names of rooms in backticks, without the slash of a folder. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+?)\/?`/g)].map(([, name]) => name as string);
}

function mayImport(words: string, { from, to }: Import): boolean {
  return (
    words === 'everything below' ||
    (words.includes('everything but') && !quoted(words).includes(keyOf(to))) ||
    (words.includes('contracts') && CONTRACTS.has(to)) ||
    (words.includes('the variants') && VARIANT_WINGS.has(keyOf(to))) ||
    quoted(words).some((name) => name === keyOf(to) || name === to) ||
    // `contract.ts` and `contract/` are one.
    table.some(({ rooms }) => rooms.includes(keyOf(from)) && rooms.includes(keyOf(to)))
  );
}

function show({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

describe('architecture', () => {
  test('reads a believable number of imports', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports.length).toBeGreaterThan(150);
  });

  test('every file has its room', () => {
    expect(files.filter((file) => levelOf(file) === -1)).toEqual([]);
  });

  test('the table has every room, from top to bottom', () => {
    expect(table.flatMap(({ rooms }) => rooms)).toEqual(KEYS);
  });

  test('every room imports what the table says it may', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (!isLocal(to) || keyOf(from) === keyOf(to)) return false;
      const row = table.find(({ rooms }) => rooms.includes(keyOf(from)));
      return !mayImport(row?.mayImport ?? '', { from, to });
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('imports point downward only', () => {
    expect(imports.filter(({ from, to }) => isLocal(to) && levelOf(to) < levelOf(from)).map(show)).toEqual([]);
  });

  test('the wings do not see each other', () => {
    const crossing = imports.filter(
      ({ from, to }) =>
        isLocal(to) && VARIANT_WINGS.has(keyOf(from)) && VARIANT_WINGS.has(keyOf(to)) && keyOf(from) !== keyOf(to),
    );
    expect(crossing.map(show)).toEqual([]);
  });

  test('only the catalogue imports a variant', () => {
    const variants = imports.filter(
      ({ from, to }) =>
        isLocal(to) &&
        VARIANT_WINGS.has(keyOf(to)) &&
        !CONTRACTS.has(to) &&
        keyOf(from) !== keyOf(to) &&
        from !== 'catalog.ts' &&
        // The closing words of a run on the terminal are the command line's own.
        !(keyOf(from) === 'cli' && keyOf(to) === 'reporters'),
    );
    expect(variants.map(show)).toEqual([]);
  });

  test('only pgquake.ts reads the lists of the catalogue; all else is handed a catalogue', () => {
    const readers = files.filter((file) =>
      /^import (?!type )(?!\{ type Catalog \})[^;]*'[./]*\/catalog\.ts'/m.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(readers).toEqual(['pgquake.ts']);
  });

  test.each([
    ['pg', /^sql\//],
    ['dockerode', /^platforms\/docker/],
    ['koffi', /^platforms\/local\/relay\/packet-filter\.ts$/],
    ['yaml', /^(scenario\/|platforms\/docker)/],
    ['apache-arrow', /^operations-file(\.ts$|\/)/],
    ['libpg-query', /^workloads\/sql\//],
    ['yargs', /^cli\//],
    ['vitest', /^(vitest\.ts|contract\/.*)$/],
    ['log-update', /^cli\//],
    ['execa', /^(platforms\/(docker|local|ssh)\/|cli\/commands\/connect\.ts$)/],
    [
      'node:child_process',
      /^(config\.ts|disk\/file-thread\.ts|platforms\/local\/launch\.ts|run\/thread-priority\.ts)$/,
    ],
    ['mdast-util-to-markdown', /^reporters\/document-markdown\.ts$/],
    ['mdast-util-gfm-table', /^reporters\/document-markdown\.ts$/],
    ['string-width', /^reporters\/text-width\.ts$/],
    ['wrap-ansi', /^reporters\/text-layout\.ts$/],
    ['d3-scale', /^reporters\//],
    ['d3-shape', /^reporters\//],
  ])('%s is imported in its place alone', (library, place) => {
    const users = imports.filter(({ to }) => to === library);
    expect(users.filter(({ from }) => !place.test(from)).map(show)).toEqual([]);
  });

  test('console and process.exit live in cli/', () => {
    const talkers = files.filter(
      (file) => keyOf(file) !== 'cli' && /\bconsole\.|process\.exit/.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(talkers).toEqual([]);
  });

  test('one file ends the process and sets its exit code', () => {
    const enders = files.filter((file) => /process\.exit(\(|Code)/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(enders).toEqual(['cli/own-exit.ts']);
  });

  test('every file opens with what it is', () => {
    const silent = files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(silent).toEqual([]);
  });

  /** What is loaded before any command is chosen. */
  function firstModules() {
    const foreign: { readonly names: string; readonly from: string }[] = [];
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(join(SRC, file), 'utf8');
      for (const [, names = '', from = ''] of text.matchAll(
        /^(?:import|export) (?!type )([^;']*?)from '([^']+)';$/gm,
      )) {
        if (from.startsWith('.')) follow(relative(SRC, resolve(dirname(join(SRC, file)), from)));
        else foreign.push({ names, from });
      }
    };
    follow('cli/main.ts');
    expect(seen.size).toBeGreaterThan(10);
    return foreign;
  }

  test('help loads few packages: what is heavy is loaded by the command that needs it', () => {
    const packages = new Set(firstModules().flatMap(({ from }) => (from.startsWith('node:') ? [] : [from])));
    expect([...packages].sort()).toEqual(['fastest-levenshtein', 'picocolors', 'yargs', 'yargs/helpers']);
  });

  test('Node.js 20 can load what refuses it: it exports every name that is imported', () => {
    const newer =
      /\b(glob|globSync|\w*CompileCache\w*|registerHooks|stripTypeScriptTypes|findPackageJSON|getCallSites)\b/;
    expect(firstModules().filter(({ names, from }) => from.startsWith('node:') && newer.test(names))).toEqual([]);
  });

  /** Longer than a reader keeps in mind; each with its reason. The list only gets shorter. */
  const LONGER: Readonly<Record<string, string>> = {
    'cluster/platform.ts': 'the port of platforms',
    'model/event.ts': 'every event of a history, as one union',
    'model/figures.ts': 'every figure of a report',
    'model/operations.ts': 'one class, columns and cursor',
    'model/report-schema.ts': 'one schema of one published file',
    'reporters/report-words.ts': 'the words of every figure',
    'scenario/parse.ts': 'one pass that collects every mistake',
    'scenario/schema.ts': 'every key that authors write, with its description',
  };

  test('a file has 300 lines at most', () => {
    const long = files.filter((file) => readFileSync(join(SRC, file), 'utf8').split('\n').length > 301);
    expect(long.filter((file) => !(file in LONGER))).toEqual([]);
    expect(Object.keys(LONGER).filter((file) => !long.includes(file))).toEqual([]);
  });

  /** A port and its variants, a command and what it asks for: in an import their folder tells them apart. */
  const TWICE = new Set([
    'address.ts',
    'attached.ts',
    'availability.ts',
    'clients.ts',
    'cluster.ts',
    'comparison.ts',
    'engine.ts',
    'errors.ts',
    'expect.ts',
    'explain.ts',
    'fault.ts',
    'figures.ts',
    'final-reads.ts',
    'github.ts',
    'health.ts',
    'inventory.ts',
    'judge.ts',
    'latency.ts',
    'ledger.ts',
    'load.ts',
    'logs.ts',
    'lost-writes.ts',
    'manager.ts',
    'node.ts',
    'observations.ts',
    'outage.ts',
    'password.ts',
    'plan.ts',
    'platform.ts',
    'probes.ts',
    'promise.ts',
    'proof.ts',
    'recovery.ts',
    'report.ts',
    'requirements.ts',
    'roles.ts',
    'run-index.ts',
    'schema.ts',
    'spec.ts',
    'split-brain.ts',
    'sql.ts',
    'standing.ts',
    'suite.ts',
    'target.ts',
    'timeline.ts',
    'tolerance.ts',
    'topology.ts',
    'watch.ts',
    'workload.ts',
  ]);

  test('a base name occurs once', () => {
    const counted = Map.groupBy(files, (file) => basename(file));
    const twice = [...counted].filter(([name, all]) => all.length > 1 && !TWICE.has(name));
    expect(twice.map(([, all]) => all)).toEqual([]);
  });

  /** Names that are also an event, a figure or a capability of a platform. */
  const OTHER_THINGS = new Set<string>([
    ...['availability', 'latency', 'outage', 'healed', 'prediction'],
    ...shipped.platforms.flatMap(({ capabilities }) => [...capabilities]),
    ...shipped.inventory.capabilities,
  ]);
  const NAMED: Readonly<Record<string, string>> = {
    'cli/commands/tolerance.ts': 'the default of --fault',
    'prove.ts': 'the default of --fault',
  };

  test('no word of a fault or a check outside of its room', () => {
    const names = [...shipped.faults, ...shipped.checks].map(({ name }) => name);
    const told = files.flatMap((file) => {
      if (/^(faults|checks)\//.test(file) || file in NAMED) return [];
      const text = readFileSync(join(SRC, file), 'utf8').replace(/^import .*$/gm, '');
      return names
        .filter(
          (name) =>
            !OTHER_THINGS.has(name) &&
            new RegExp(`['"\`]${name}['"\`]`).test(text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')),
        )
        .map((name) => `${file}: ${name}`);
    });
    expect(told).toEqual([]);
  });

  /**
   * Words of one kind of cluster, and of one workload. Below these folders they belong; elsewhere each file has a reason.
   * A file that is not named here speaks of entries, partitions and keys.
   */
  const AT_HOME = /^(engines|workloads)\//;
  const WORDS: readonly (readonly [word: string, pattern: RegExp, allowed: Readonly<Record<string, string>>])[] = [
    [
      'coordinator',
      /'coordinator'|COORDINATOR/,
      { 'version-1.ts': 'reads runs of version 1, in which every cluster has one' },
    ],
    [
      'shard',
      /shard/i,
      {
        'version-1.ts': 'reads runs of version 1',
        'scenario/schema.ts': 'keys that authors write: cluster.shards, holds-shard-of, "shard A"',
        'scenario/cluster.ts': 'reads cluster.shards',
        'scenario/target.ts': 'reads holds-shard-of',
        'checks/outage.ts': 'the parameter "shard", which authors write',
        'checks/messages-readable.ts': 'the parameter "shards", which authors write',
        'model/verdict.ts': 'reads the parameter "shard" of a check, for reports',
        'plan/tolerance/placement-input.ts': 'the keys of a placement file, which people write',
        'plan/proof-scenario.ts': 'the keys of a scenario, as people write them',
        'cluster/worker-keys.ts': 'the keys of a cluster of workers, which people write',
        'cli/commands/tolerance.ts': 'the option --shards',
        'cli/asked-placement.ts': 'the option --shards',
        'cli/commands.ts': 'the summary of the command tolerance',
      },
    ],
    [
      'room',
      /\brooms?\b/i,
      {
        'version-1.ts': 'reads runs of version 1',
        'scenario/schema.ts': 'the key "room 42", which authors write',
      },
    ],
  ];

  test.each(WORDS)('%s is said where it belongs', (_, pattern, allowed) => {
    const saying = files.filter((file) => !AT_HOME.test(file) && pattern.test(readFileSync(join(SRC, file), 'utf8')));
    expect(saying.sort()).toEqual(Object.keys(allowed).sort());
  });
});
