/** A reporter: a pure function from the report to the text of files. */

import type { Report } from '../model/report.ts';

export interface Reporter {
  readonly name: string;
  readonly summary: string;
  /** @returns file name (relative to the run's folder) -> content. */
  render(report: Report): Readonly<Record<string, string>>;
}
