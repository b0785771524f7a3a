import { printed } from '../../../../test/int/cli/printed.js';
import { noOutcome } from './outcome.js';
import { isClean, printReport } from './print-report.js';
import { type ImportReport } from './run-import.js';
import { Tally } from './tally.js';

const reported = (report: ImportReport): string => printed((terminal) => printReport(terminal, report));

describe('the report of an import', () => {
  it('tells everything that there is to tell, each on a line of its own', () => {
    const skipped = new Tally();
    for (const line of [4, 6, 7, 9]) skipped.add('partial (status 2 to 4)', line);
    skipped.add('unknown-type: "\u001b[2J"', 5);
    const outcome = {
      ...{ ...noOutcome(), added: 1_500, duplicates: 2, conflicts: 1, resent: 1, onTheWay: 15_000 },
      ...{ refused: new Map([['unknown-type', 1]]), tenants: new Set(['g2', 'g1']) },
    };
    const report: ImportReport = {
      ...{ file: 'a.swf', format: 'swf', via: 'queue', source: 'swf:1', endingMs: 1_000 },
      ...{ stats: { jobs: 502, leftOut: 1, skipped }, outcome },
      ...{ interrupted: true, projected: false, elapsedMs: 2_000 },
    };
    expect(reported(report)).toBe(
      [
        'a.swf swf:1',
        '  jobs       502',
        '  events     1,504: 1,500 new, 2 already in the log',
        '  conflicts  1 known with another body, kept as dead letters',
        '  refused    1 unknown-type, kept as dead letters',
        '  left out   1 step after the end of the import',
        '  skipped    4 × partial (status 2 to 4) (lines 4, 6, 7, …)',
        '  skipped    1 × unknown-type: "\\u{1b}[2J" (line 5)',
        '  on the way 15,000 events in the queue',
        '  sent again 1 event that had got lost',
        '  tenants    g1, g2',
        '  time       2 s 752/s, not yet projected',
        '  shifted    so that the latest submit falls on 1970-01-01 00:00:01Z',
        'Interrupted. The same command again goes on; nothing is counted twice.\n',
      ].join('\n'),
    );
    expect(isClean(report)).toBe(false);
  });
});
