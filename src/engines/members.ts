/** Shared by engines with one primary and its standbys, where every member holds all rows. */

import type { FormedCluster, FormOptions } from '../cluster/engine.ts';
import type { NodeControl } from '../cluster/platform.ts';
import { dataNodes, type NodeSpec, type PlacementMap, ringPlacement } from '../model/topology.ts';
import { quoteTable } from '../sql/quote.ts';

/** Members are named alike, because their roles move. */
export function memberNodes(members: number): NodeSpec[] {
  return Array.from({ length: members }, (_, i): NodeSpec => ({ name: `pg${i + 1}`, role: 'member', part: 'data' }));
}

/** All rows are one partition, which every member holds. */
export function placementOf(topology: FormOptions['topology'], partitionKeys: readonly number[]): PlacementMap {
  return {
    partitions: ringPlacement(dataNodes(topology), topology),
    partitionOfKey: Object.fromEntries(partitionKeys.map((key) => [key, 0])),
  };
}

/** Every member has a copy of every table. */
export function copiesOn(members: readonly NodeControl[]): Pick<FormedCluster, 'placementSources' | 'copiesOf'> {
  const copiesOf = (relation: string) => members.map(({ name }) => ({ partition: 0, node: name, relation }));
  return { placementSources: (table) => copiesOf(quoteTable(table)), copiesOf };
}
