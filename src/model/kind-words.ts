/** Kinds of operation in words. */

/** `reads`; a name that an author chose may be no noun: `pay operations`. */
export function manyOf(kind: string): string {
  return ['read', 'scan', 'write'].includes(kind) ? `${kind}s` : `${kind} operations`;
}
