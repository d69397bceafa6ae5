/** All that a command tells, for a program to read. By itself, for commands that load little else. */

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
