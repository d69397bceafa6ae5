/** `report.md`: the report for people, in GitHub's Markdown. */

import { documentMarkdown } from './document-markdown.ts';
import { reportDocument } from './report/report-document.ts';
import type { Reporter } from './reporter.ts';

export const markdown: Reporter = {
  name: 'markdown',
  summary: 'report.md, for people; reads well on GitHub',
  render: (report) => {
    const { head, sections } = reportDocument(report);
    return { 'report.md': documentMarkdown([...head, ...sections]) };
  },
};
