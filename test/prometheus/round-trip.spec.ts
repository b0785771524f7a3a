import fc from 'fast-check';
import { type Format, renderText } from '@quipu/exposition';
import { SAMPLE_FAMILIES } from '../../libs/exposition/test/sample-families.js';
import { randomFamilies } from './families.js';
import { parseExposition } from './parse-exposition.js';

const FORMATS: readonly Format[] = ['openmetrics', 'text'];

describe.each(FORMATS)('what was rendered as %s', (format) => {
  it('reads back as it was: names, types, help, labels, every digit', () => {
    fc.assert(
      fc.property(randomFamilies, (random) => {
        const text = renderText(
          random.map(({ family }) => family),
          format,
        );
        const read = parseExposition(text, format);
        expect(read).toHaveLength(random.length);
        for (const [i, { family, help, samples }] of random.entries()) {
          expect(read[i]!.help).toBe(help);
          const gauge = format === 'openmetrics' && family.type === 'gaugehistogram';
          expect(read[i]!.samples).toEqual(
            samples.map(({ suffix, labels, value }) => ({
              ...{ labels, value },
              name: family.name + (gauge ? suffix.replace(/^_(sum|count)$/, '_g$1') : suffix),
            })),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reads back, the sample families', () => {
    const read = parseExposition(renderText(SAMPLE_FAMILIES, format), format);
    expect(read.map(({ type }) => type)).toEqual(
      format === 'openmetrics'
        ? ['gauge', 'counter', 'histogram', 'gaugehistogram', 'info', 'unknown', 'gauge']
        : ['gauge', 'counter', 'histogram', 'histogram', 'gauge', 'untyped', 'gauge'],
    );
  });
});
