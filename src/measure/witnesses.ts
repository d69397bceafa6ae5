/** Cases of one kind of finding: their count, the first few keys, and SQL to query those again. */

import type { History } from '../model/history.ts';
import { parseKey } from '../model/key-ranges.ts';
import type { Witnessed } from '../model/report.ts';
import type { NodeName } from '../model/topology.ts';
import { clientsNode } from './clients.ts';

export const MAX_WITNESSES = 8;

/** Where a row was read: a relation on a node. Without a place, it was the workload's table, as clients read it. */
export interface Place {
  readonly node: string;
  /** Quoted, ready for `FROM`. */
  readonly relation: string;
}

/** Counts cases and keeps the first few distinct keys. */
export class Witnesses {
  count = 0;
  readonly #first = new Map<string, readonly (Place | undefined)[]>();

  /**
   * @param key of the row that shows it.
   * @param times how many cases this witness stands for.
   * @param places where to query it again; as clients read it by default.
   */
  add(key: string, times = 1, places: readonly (Place | undefined)[] = [undefined]): void {
    this.count += times;
    if (this.#first.size < MAX_WITNESSES && !this.#first.has(key)) this.#first.set(key, places);
  }

  get keys(): readonly string[] {
    return [...this.#first.keys()];
  }

  /** Lines of evidence: `look again: SELECT ...; -- on worker1`. */
  lookAgain(history: Pick<History, 'run' | 'events'>): string[] {
    return (this.figures(history).sql ?? []).map((statement) => `look again: ${statement}`);
  }

  /** Without SQL in older histories, which lack `rows`. */
  figures(history: Pick<History, 'run' | 'events'>): Witnessed {
    const { count, keys } = this;
    const { rows } = history.run;
    const sql = rows && keys.length > 0 ? this.#sql(rows, clientsNode(history) ?? 'the primary') : [];
    return { count, witnesses: keys, ...(sql.length > 0 ? { sql } : {}) };
  }

  #sql(rows: NonNullable<History['run']['rows']>, clients: NodeName): string[] {
    const found = [...this.#first].flatMap(([key, places]) =>
      places.map((place = { node: clients, relation: rows.table }) => ({ key, place })),
    );
    const byPlace = Map.groupBy(found, ({ place: { node, relation } }) => `${node} ${relation}`);
    return [...byPlace.values()].map((here) => {
      const { node, relation } = (here[0] as (typeof found)[0]).place;
      const tuples = here.map(({ key }) => {
        const { writer, seq } = parseKey(key);
        return `(${writer}, ${seq})`;
      });
      return `SELECT ${rows.columns} FROM ${relation} WHERE (${rows.key}) IN (${tuples.join(', ')}); -- on ${node}`;
    });
  }
}
