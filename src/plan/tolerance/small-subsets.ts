/**
 * How many sets of 1, 2 and 3 workers are fatal, counted without listing them: inclusion and exclusion
 * over the minimal holder sets, which at this size are single workers, edges, and triples.
 */

import { type HolderSets, membersOf, sizeOf } from './holders.ts';

const choose2 = (n: number) => (n * (n - 1)) / 2;
const choose3 = (n: number) => (n * (n - 1) * (n - 2)) / 6;

/** @returns the number of fatal k-subsets for k = 0, 1, 2, 3, exactly (up to 200,000 workers). */
export function countFatalUpTo3(minimal: HolderSets): [number, number, number, number] {
  const n = minimal.workers;
  let singles = 0;
  let pairs = 0;
  let triples = 0;
  const partners: number[][] = Array.from({ length: n }, () => []);
  for (let s = 0; s < minimal.count; s++) {
    const size = sizeOf(minimal, s);
    if (size === 1) singles++;
    else if (size === 3) triples++;
    else if (size === 2) {
      const [a, b] = [...membersOf(minimal, s)] as [number, number];
      pairs++;
      partners[a]?.push(b);
      partners[b]?.push(a);
    }
  }
  // A subset that survives holds no single; among the rest, no edge and no triple.
  const rest = n - singles;
  let paths = 0;
  for (const list of partners) paths += choose2(list.length);
  const survivingPairs = choose2(rest) - pairs;
  const edgeFreeTriples = choose3(rest) - pairs * (rest - 2) + paths - triangles(partners);
  return [0, singles, choose2(n) - survivingPairs, choose3(n) - (edgeFreeTriples - triples)];
}

function triangles(partners: readonly (readonly number[])[]): number {
  const mark = new Int32Array(partners.length).fill(-1);
  let count = 0;
  for (const [a, ofA] of partners.entries()) {
    for (const b of ofA) mark[b] = a;
    for (const b of ofA) {
      if (b < a) continue;
      for (const c of partners[b] as readonly number[]) if (c > b && mark[c] === a) count++;
    }
  }
  return count;
}
