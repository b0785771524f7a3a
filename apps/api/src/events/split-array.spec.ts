import fc from 'fast-check';
import { NoArrayError, splitArray, TooManyElementsError } from './split-array.js';

describe('splitArray', () => {
  it('cuts any JSON array into its elements', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 20 }),
        fc.constantFrom(0, 2, '\t', '\r\n'),
        (values, space) => {
          const elements = splitArray(`  ${JSON.stringify(values, null, space)}\n`, 20);
          expect(elements.map((text) => JSON.parse(text) as unknown)).toEqual(
            JSON.parse(JSON.stringify(values)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never takes for an array what JSON.parse does not, once its elements are parsed', () => {
    const text = fc
      .array(fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', ' ', '1', 'a', '""', '[]'))
      .map((all) => all.join(''));
    fc.assert(
      fc.property(text, (inner) => {
        const attempt = (parse: () => unknown[]) => {
          try {
            return parse();
          } catch {
            return null;
          }
        };
        const mine = attempt(() =>
          splitArray(`[${inner}]`, 1_000).map((each) => JSON.parse(each) as unknown),
        );
        expect(mine).toEqual(attempt(() => JSON.parse(`[${inner}]`) as unknown[]));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(['', '{}', '1', '[', '[1', '["', '["\\', '[1]2', '[]]', '[1,'])('refuses %j', (text) => {
    expect(() => splitArray(text, 10)).toThrow(NoArrayError);
  });

  it('stops at the most elements it may find', () => {
    expect(splitArray('[1,2,3]', 3)).toEqual(['1', '2', '3']);
    expect(() => splitArray('[1,2,3,4]', 3)).toThrow(TooManyElementsError);
  });
});
