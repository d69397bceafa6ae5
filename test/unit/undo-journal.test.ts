import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  JournalError,
  noteKept,
  type PromisedUndo,
  readPendingUndos,
  UndoJournal,
} from '../../src/run/undo-journal.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function start(act: number, node: string): PromisedUndo {
  return { act, fault: 'node-kill', mark: `pgquake-test-${act}`, undo: { action: 'start', node } };
}

describe('undo journal', () => {
  test('a promise is on disk when it returns', () => {
    using journal = new UndoJournal(folder);
    journal.promise(start(0, 'worker1'));
    expect(readFileSync(join(folder, 'undo.ndjson'), 'utf8')).toBe(
      '{"type":"promised","id":1,"act":0,"fault":"node-kill","mark":"pgquake-test-0","undo":{"action":"start","node":"worker1"}}\n',
    );
  });

  test.skipIf(process.platform !== 'linux')(
    'an undo that cannot be recorded is not owed, and the error says what to do',
    () => {
      symlinkSync('/dev/full', join(folder, 'undo.ndjson'));
      using journal = new UndoJournal(folder);
      expect(() => journal.promise(start(0, 'worker1'))).toThrow(JournalError);
      expect(() => journal.promise(start(0, 'worker1'))).toThrow(/pgquake breaks nothing: ENOSPC/);
      expect(journal.pending()).toEqual([]);
      expect(() => journal.kept(1)).not.toThrow();
    },
  );

  test('open undos come newest first, of one act or of all', () => {
    using journal = new UndoJournal(folder);
    journal.promise(start(0, 'worker1'));
    journal.promise(start(1, 'worker2'));
    journal.promise(start(0, 'worker3'));
    expect(journal.pending(0).map((entry) => entry.undo.node)).toEqual(['worker3', 'worker1']);
    journal.kept(3);
    expect(journal.pending().map((entry) => entry.undo.node)).toEqual(['worker2', 'worker1']);
  });

  test('another process reads what a crash left open', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      journal.promise(start(0, 'worker2'));
      journal.kept(1);
    }
    expect(await readPendingUndos(folder)).toEqual([{ id: 2, ...start(0, 'worker2') }]);
  });

  test('the details of an undo survive unchanged', async () => {
    const detail = { setting: 'default_transaction_read_only', before: "it's off", list: [1, null] };
    const promised = { ...start(0, 'worker1'), undo: { action: 'restore', node: 'worker1', detail } };
    {
      using journal = new UndoJournal(folder);
      journal.promise(promised);
    }
    expect(await readPendingUndos(folder)).toEqual([{ id: 1, ...promised }]);
  });

  test('a last line cut short by a crash is ignored: its act had not begun', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
    }
    appendFileSync(join(folder, 'undo.ndjson'), '{"type":"promised","id":2,"ac');
    expect((await readPendingUndos(folder)).map((entry) => entry.id)).toEqual([1]);
  });

  test('another process notes what it kept, even after a line cut short', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      journal.promise(start(1, 'worker2'));
    }
    appendFileSync(join(folder, 'undo.ndjson'), '{"type":"promised","id":3,"ac');
    await noteKept(folder, [2]);
    expect((await readPendingUndos(folder)).map((entry) => entry.id)).toEqual([1]);
    await noteKept(folder, [1]);
    expect(await readPendingUndos(folder)).toEqual([]);
  });

  test('a run without faults has nothing open', async () => {
    expect(await readPendingUndos(folder)).toEqual([]);
  });
});
