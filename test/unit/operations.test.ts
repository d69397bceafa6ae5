import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { operations } from '../support/operations.ts';
import { runs } from '../support/properties.ts';

describe('a table of operations', () => {
  test('gives back what was put in, in the order of the intended starts', () => {
    fc.assert(
      fc.property(operations, (list) => {
        const sorted = list.toSorted((a, b) => a.intendedAt - b.intendedAt || a.id - b.id);
        const table = OperationTable.inOrder(list);
        expect(table.count).toBe(list.length);
        expect([...table]).toEqual(sorted);
        expect([...table.scan()].length).toBe(list.length);
        expect(Array.from(table.scan(), (row) => row.copy())).toEqual(sorted);
      }),
      { numRuns: runs(300) },
    );
  });

  test('takes over whole tables, as a thread hands them over', () => {
    fc.assert(
      fc.property(operations, fc.nat({ max: 40 }), (list, at) => {
        const whole = new OperationTable();
        for (const part of [list.slice(0, at), list.slice(at)]) {
          const table = new OperationTable(['read', 'scan', 'write', 'probe']);
          for (const operation of part) table.add(operation);
          whole.addAll(OperationTable.from(structuredClone(table.data)).data);
        }
        expect([...whole]).toEqual(list);
      }),
    );
  });

  test('keeps an error once, however many operations ended with it', () => {
    const failed = (id: number, errorCode: string, errorText?: string): Operation => ({
      ...{ id, kind: 'read', intendedAt: id, sentAt: id, settledAt: id, outcome: 'fail', errorCode },
      ...(errorText === undefined ? {} : { errorText }),
    });
    const first = [failed(1, '08006', 'lost'), failed(2, '08006', 'lost'), failed(3, '08006')];
    const second = [failed(4, '57P01'), failed(5, '08006', 'lost')];
    const table = OperationTable.inOrder(first);
    table.addAll(OperationTable.inOrder(second).data);
    expect([...table]).toEqual([...first, ...second]);
    expect(table.data.errors).toEqual([{ code: '08006', text: 'lost' }, { code: '08006' }, { code: '57P01' }]);
  });

  test('refuses a table whose kinds have other numbers', () => {
    const operation: Operation = { id: 1, kind: 'read', intendedAt: 1, sentAt: 1, settledAt: 1, outcome: 'ok' };
    const one = OperationTable.inOrder([operation]);
    const other = OperationTable.inOrder([{ ...operation, kind: 'write' }]);
    expect(() => one.addAll(other.data)).toThrow(/kinds/);
  });
});
