/** What an engine needs of a shard's placements, as far as tolerance depends on it. */

export const RULES = ['native', 'citus'] as const;

/**
 * - `native`: readable and writable while one of them lives.
 * - `citus`: readable while one lives, writable only while all live.
 */
export type Rule = (typeof RULES)[number];
