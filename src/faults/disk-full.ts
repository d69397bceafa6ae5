/** `disk-full`: a node's data disk is full; the server cannot write, and may exit. */

import { z } from 'zod';
import { type NodeControl, type NodeDisk, without } from '../cluster/platform.ts';
import { share } from '../model/quantities.ts';
import { formatBytes } from '../model/units.ts';
import { proveEach, strikeEach, withoutEffect } from './each-target.ts';
import { defineFault } from './fault.ts';

const params = z.strictObject({
  'up-to': share
    .prefault('100%')
    .describe('How full the disk becomes; 64 KiB, eight pages of a table, always stay free.'),
});

/** The server keeps writing, and may remove WAL. */
const TOLERANCE = 0.05;

export const diskFull = defineFault<z.output<typeof params>>({
  name: 'disk-full',
  summary: "Fills a node's data disk.",
  docs: {
    note: "Statements that need space fail; a server that cannot write WAL exits. The machine's disk is never filled: the run puts the targets' data on in-memory file systems of 512 MiB. It is refused on a standing cluster, and if the targets would take more than half of the memory. Docker only.",
    proof: 'the free space, read within the node.',
    undo: "the act's file is removed, and the node is started if it exited. Healed when the space is free and it accepts SQL.",
    example: [
      'faults:',
      '  - { fault: disk-full, target: worker1, for: 5s }',
      '  - { fault: disk-full, target: worker2, up-to: 95%, at: 10s, for: 5s }',
    ],
  },
  state: 'disk full',
  params,
  needs: ['disk-full'],
  lacking: async (node) => await diskOf(node).refusal(),

  async inject(targets, { 'up-to': upTo }, context) {
    await strikeEach(targets, context, 'free-disk', (node) => diskOf(node).fill(context.mark, upTo));
  },

  prove(targets, { 'up-to': upTo }) {
    return proveEach(targets, async (node) => {
      const { totalBytes, freeBytes } = await diskOf(node).seen();
      const words = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
      if (1 - freeBytes / totalBytes < upTo - TOLERANCE) throw withoutEffect(node, words);
      return words;
    });
  },

  /** Also starts the node: a server that cannot write WAL exits. */
  async undo(_undo, node, { mark }) {
    const freed = await diskOf(node).free(mark);
    await node.start();
    const { freeBytes } = await diskOf(node).seen();
    return `${formatBytes(freed)} freed, now ${formatBytes(freeBytes)} free`;
  },
});

function diskOf(node: NodeControl): NodeDisk {
  return node.disk ?? without(node.name, 'disk-full');
}
