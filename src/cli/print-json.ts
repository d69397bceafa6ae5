/** Prints a command's result for a program. In its own file for commands that load little else. */

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
