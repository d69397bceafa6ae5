/**
 * The columns that a text occupies in a terminal. Loading the character tables takes longer than most commands run, so
 * plain ASCII is counted without them. The bundle uses this for all packages (`tools/build.ts`).
 */

import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

const PLAIN = /^[\x20-\x7e]*$/;

let whole: typeof stringWidth | undefined;

export default function textWidth(text: string, options?: Parameters<typeof stringWidth>[1]): number {
  if (PLAIN.test(text)) return text.length;
  whole ??= createRequire(import.meta.url)('string-width').default as typeof stringWidth;
  return whole(text, options);
}
