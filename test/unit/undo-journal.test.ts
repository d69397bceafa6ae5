import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../src/model/errors.ts';
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
  for (const made of [folder, `${folder}-moved`]) rmSync(made, { recursive: true, force: true });
});

const path = () => join(folder, 'undo.ndjson');

function replace(there: string, make: () => void): void {
  rmSync(there, { recursive: true });
  make();
}

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

  describe('promises nothing that `heal` would not find:', () => {
    const removed = /undo\.ndjson cannot be relied on.*removed or moved during the run/;
    const replaced = /replaced during the run/;
    test.each<[string, () => void, RegExp]>([
      ['the journal is removed', () => rmSync(path()), removed],
      ['the journal is moved', () => renameSync(path(), `${path()}.old`), removed],
      ['the folder is removed', () => rmSync(folder, { recursive: true }), removed],
      ['the folder is moved', () => renameSync(folder, `${folder}-moved`), removed],
      ['a file is in its folder’s place', () => replace(folder, () => writeFileSync(folder, '')), removed],
      ['another file is in its place', () => replace(path(), () => writeFileSync(path(), 'mine')), replaced],
      ['a folder is in its place', () => replace(path(), () => mkdirSync(path())), replaced],
      ['a link is in its place', () => replace(path(), () => symlinkSync('/dev/null', path())), replaced],
      ['the journal is emptied', () => truncateSync(path()), /truncated during the run/],
      ['the journal is cut', () => truncateSync(path(), 10), /truncated during the run/],
    ])('%s', (_, displace, reason) => {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      displace();
      const promise = () => journal.promise(start(1, 'worker2'));
      expect(promise).toThrow(JournalError);
      expect(promise).toThrow(reason);
      // Undoing needs no journal.
      expect(journal.pending().map((entry) => entry.undo.node)).toEqual(['worker1']);
      expect(() => journal.kept(1)).not.toThrow();
    });

    test('cluster.json is removed', () => {
      const clusterFile = join(folder, 'cluster.json');
      writeFileSync(clusterFile, '{}');
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      rmSync(clusterFile);
      const promised = readFileSync(path(), 'utf8');
      expect(() => journal.promise(start(1, 'worker2'))).toThrow(/cluster\.json beside it was removed/);
      expect(readFileSync(path(), 'utf8')).toBe(promised);
    });

    test('and leaves the other file as it is', () => {
      using journal = new UndoJournal(folder);
      rmSync(path());
      writeFileSync(path(), 'mine');
      expect(() => journal.promise(start(0, 'worker1'))).toThrow(JournalError);
      journal.kept(1);
      expect(readFileSync(path(), 'utf8')).toBe('mine');
    });

    test('and leaves a journal that was emptied empty', () => {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      truncateSync(path());
      expect(() => journal.promise(start(1, 'worker2'))).toThrow(JournalError);
      expect(readFileSync(path(), 'utf8')).toBe('');
    });

    test('a folder reached by a link is in place', () => {
      const link = `${folder}-link`;
      symlinkSync(folder, link);
      try {
        using journal = new UndoJournal(link);
        expect(() => journal.promise(start(0, 'worker1'))).not.toThrow();
      } finally {
        rmSync(link);
      }
    });
  });

  test('open undos come newest first, of one act or of all', () => {
    using journal = new UndoJournal(folder);
    journal.promise(start(0, 'worker1'));
    journal.promise(start(1, 'worker2'));
    journal.promise(start(0, 'worker3'));
    expect(journal.pending(0).map((entry) => entry.undo.node)).toEqual(['worker3', 'worker1']);
    journal.kept(3);
    expect(journal.pending().map((entry) => entry.undo.node)).toEqual(['worker2', 'worker1']);
  });

  test.each([
    ['no JSON', '{"type":'],
    ['no object', 'null'],
    ['something else', '{"hello":"world"}'],
    ['half an undo', '{"type":"promised","id":1,"act":0,"fault":"node-kill","mark":"m","undo":{"action":"start"}}'],
  ])('a line with %s is refused with its place', (_, line) => {
    const path = join(folder, 'undo.ndjson');
    writeFileSync(path, `{"type":"kept","id":7}\n${line}\n`);
    const reading = () => readPendingUndos(folder);
    expect(reading).toThrow(EnvironmentError);
    expect(reading).toThrow(`${path}:2 cannot be read: `);
  });

  test('another process reads what a crash left open', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      journal.promise(start(0, 'worker2'));
      journal.kept(1);
    }
    expect(readPendingUndos(folder)).toEqual([{ id: 2, ...start(0, 'worker2') }]);
  });

  test('the details of an undo survive unchanged', async () => {
    const detail = { setting: 'default_transaction_read_only', before: "it's off", list: [1, null] };
    const promised = { ...start(0, 'worker1'), undo: { action: 'restore', node: 'worker1', detail } };
    {
      using journal = new UndoJournal(folder);
      journal.promise(promised);
    }
    expect(readPendingUndos(folder)).toEqual([{ id: 1, ...promised }]);
  });

  test('a last line cut short by a crash is ignored: its act had not begun', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
    }
    appendFileSync(join(folder, 'undo.ndjson'), '{"type":"promised","id":2,"ac');
    expect(readPendingUndos(folder).map((entry) => entry.id)).toEqual([1]);
  });

  test('another process notes what it kept, even after a line cut short', async () => {
    {
      using journal = new UndoJournal(folder);
      journal.promise(start(0, 'worker1'));
      journal.promise(start(1, 'worker2'));
    }
    appendFileSync(join(folder, 'undo.ndjson'), '{"type":"promised","id":3,"ac');
    noteKept(folder, [2]);
    expect(readPendingUndos(folder).map((entry) => entry.id)).toEqual([1]);
    noteKept(folder, [1]);
    expect(readPendingUndos(folder)).toEqual([]);
  });

  test('a run without faults has nothing open', async () => {
    expect(readPendingUndos(folder)).toEqual([]);
  });
});
