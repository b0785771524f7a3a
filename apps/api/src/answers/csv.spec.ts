import { writeCsv } from './csv.js';

describe('a table as CSV', () => {
  it('has a header row, quotes what needs it, and leaves unknown values empty', () => {
    const rows = [
      ['a,b', 'say "hi"', null],
      ['two\r\nlines', '', 12],
      ['ünï\u2028x', ' padded ', 2n ** 70n],
    ];
    expect(writeCsv(['one', 'two', 'n'], rows)).toBe(
      `one,two,n\r\n"a,b","say ""hi""",\r\n"two\r\nlines",,12\r\nünï\u2028x, padded ,${2n ** 70n}\r\n`,
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('keeps %j from running as a formula', (text) => {
    const line = writeCsv(['c'], [[text]]).slice('c\r\n'.length);
    expect(line.startsWith(`'${text[0]}`) || line.startsWith(`"'`)).toBe(true);
  });

  it('leaves numbers below zero as numbers', () => {
    expect(writeCsv(['n'], [[-5], [-5n]])).toBe('n\r\n-5\r\n-5\r\n');
  });
});
