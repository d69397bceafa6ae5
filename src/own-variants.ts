/** Adds own variants to the shipped ones. Each is validated first, because it may come from plain JavaScript. */

import { z } from 'zod';
import type { Catalog } from './catalog.ts';
import { InputError } from './model/errors.ts';
import { expectedButFound, quoted } from './model/quoted.ts';

export type Variants = Partial<Omit<Catalog, 'inventory'>>;

interface Kind {
  /** The function or type with which an author writes it. */
  readonly define: string;
  readonly functions: readonly string[];
  /** For kinds whose parameters are written in a scenario: pgquake's own keys in the same mapping. */
  readonly beside?: readonly string[];
  readonly members?: readonly string[];
}

const KINDS: Readonly<Record<keyof Variants, Kind>> = {
  faults: {
    define: 'defineFault',
    functions: ['inject', 'prove', 'undo'],
    members: ['needs'],
    beside: ['fault', 'target', 'at', 'for', 'repeat', 'at-jitter'],
  },
  checks: { define: 'defineCheck', functions: ['check'], beside: ['check'] },
  workloads: {
    define: 'defineWorkload',
    functions: ['kinds', 'start'],
    members: ['source'],
    beside: ['use'],
  },
  platforms: {
    define: 'the type Platform',
    functions: ['unavailable', 'offers', 'provision', 'reclaim'],
    members: ['capabilities'],
  },
  engines: {
    define: 'defineEngine',
    functions: ['nodes', 'form', 'inspect', 'expect'],
    members: ['routes', 'settings'],
  },
  reporters: { define: 'the type Reporter', functions: ['render'] },
};

export const VARIANT_KINDS = Object.keys(KINDS) as (keyof Variants)[];

/** Whether there is any variant besides the shipped ones. */
export function ownVariants(own: Variants): boolean {
  return VARIANT_KINDS.some((kind) => (own[kind]?.length ?? 0) > 0);
}

/**
 * Adds own variants to a catalogue.
 * @throws InputError where a variant is malformed, or two have one name.
 */
export function withOwn(base: Catalog, own: Variants): Catalog {
  return {
    faults: joined('faults', base.faults, own.faults),
    checks: joined('checks', base.checks, own.checks),
    workloads: joined('workloads', base.workloads, own.workloads),
    platforms: joined('platforms', base.platforms, own.platforms),
    engines: joined('engines', base.engines, own.engines),
    reporters: joined('reporters', base.reporters, own.reporters),
    inventory: base.inventory,
  };
}

function joined<V extends { readonly name: string }>(
  kind: keyof Variants,
  base: readonly V[],
  own: readonly V[] = [],
): readonly V[] {
  if (!Array.isArray(own)) throw malformed(kind, expectedButFound('a list', own));
  const all = [...base];
  for (const [i, variant] of own.entries()) {
    const problem = problemOf(kind, variant);
    if (problem !== undefined) throw malformed(`${kind}[${i}]`, problem);
    if (all.some(({ name }) => name === variant.name)) {
      const whose = base.some(({ name }) => name === variant.name) ? 'one that pgquake ships' : 'another of yours';
      throw new InputError(`${kind}[${i}]: the ${kind.slice(0, -1)} "${variant.name}" has the name of ${whose}`, {
        code: 'name-taken',
        hint: 'choose another name',
      });
    }
    all.push(variant);
  }
  return all;
}

/** Why a value is not a variant of this kind, in words. */
function problemOf(kind: keyof Variants, value: unknown): string | undefined {
  const { functions, members = [], beside } = KINDS[kind];
  if (typeof value !== 'object' || value === null) return expectedButFound(`a ${kind.slice(0, -1)}`, value);
  const variant = value as Readonly<Record<string, unknown>>;
  const { name, params } = variant;
  if (typeof name !== 'string' || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name === 'auto') {
    return `name: ${expectedButFound('a name in kebab-case such as my-own', name)}`;
  }
  const missing = [
    ...['summary', ...members].filter((member) => variant[member] === undefined),
    ...functions.filter((member) => typeof variant[member] !== 'function').map((member) => `${member}()`),
  ];
  if (missing.length > 0) return `the ${kind.slice(0, -1)} ${quoted(name)} lacks ${missing.join(', ')}`;
  if (kind === 'engines') return problemOfKeys(name, variant.keys);
  if (!beside) return undefined;
  if (!(params instanceof z.ZodObject)) return `params of ${quoted(name)}: expected z.strictObject({ ... })`;
  const taken = Object.keys(params.shape).find((key) => beside.includes(key));
  return taken === undefined
    ? undefined
    : `params of ${quoted(name)}: the key "${taken}" is pgquake's own; give the parameter another name`;
}

/** Why a scenario could not use the keys of an engine, in words. */
function problemOfKeys(name: string, keys: unknown): string | undefined {
  if (keys === undefined) return undefined;
  const { params, makeup, problems } = (keys ?? {}) as Readonly<Record<string, unknown>>;
  if (!(params instanceof z.ZodObject) || typeof makeup !== 'function' || typeof problems !== 'function') {
    return `keys of ${quoted(name)}: expected clusterKeys(z.strictObject({ ... }), { makeup })`;
  }
  const taken = Object.keys(params.shape).find((key) => ['platform', 'engine', 'attach', 'confirm'].includes(key));
  if (taken !== undefined) return `keys of ${quoted(name)}: the key "${taken}" is pgquake's own; give it another name`;
  const needed = Object.entries(params.shape).find(([, schema]) => !(schema as z.ZodType).safeParse(undefined).success);
  return needed && `keys of ${quoted(name)}: the key "${needed[0]}" must have a default, or be optional`;
}

function malformed(where: string, problem: string): InputError {
  const kind = VARIANT_KINDS.find((candidate) => where.startsWith(candidate)) as keyof Variants;
  return new InputError(`${where}: ${problem}`, {
    code: 'variant-malformed',
    hint: `write it with ${KINDS[kind].define}: TypeScript then shows what is missing`,
  });
}
