/** Selects scenarios by tag. Imports nothing that parses scenarios. */

import { InputError } from '../model/errors.ts';
import { suggestion } from '../model/nearest.ts';
import { quoted } from '../model/quoted.ts';

/** @throws InputError if no scenario has one of the tags. */
export function tagged<T extends { readonly tags?: readonly string[] }>(
  scenarios: readonly T[],
  tags: readonly string[],
): T[] {
  if (tags.length === 0) return [...scenarios];
  const found = scenarios.filter((scenario) => scenario.tags?.some((tag) => tags.includes(tag)));
  if (found.length > 0) return found;
  const known = [...new Set(scenarios.flatMap((scenario) => scenario.tags ?? []))].sort();
  throw new InputError(
    `no scenario has the tag ${tags.map(quoted).join(' or ')}; ${suggestion(tags[0] as string, known)}`,
    {
      code: 'tag-unknown',
      hint: 'a scenario names its own, such as tags: [nightly]',
    },
  );
}
