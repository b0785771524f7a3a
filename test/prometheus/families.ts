import fc from 'fast-check';
import { type Family, labelName, labelText, metricName } from '@quipu/exposition';

/** What a random family was made of, beside the family. */
export interface RandomFamily {
  readonly family: Family;
  readonly help: string;
  /** Every sample expected in either format but `_created`: suffix, labels, value as text. */
  readonly samples: readonly { suffix: string; labels: Record<string, string>; value: string }[];
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"', '\\', '\n', '\\n', '\\"'),
);
const labelsArbitrary = fc
  .array(fc.tuple(anyText.map(labelName), anyText), { maxLength: 4 })
  .map((pairs) => Object.fromEntries(pairs.filter(([name]) => name !== 'le')));
const integer = fc.bigInt({ min: 0n, max: 2n ** 80n });

const simple = fc
  .record({
    name: anyText.map((text) => `s_${metricName(text)}_x`),
    type: fc.constantFrom('gauge', 'counter', 'unknown'),
    help: anyText,
    series: fc.uniqueArray(fc.tuple(labelsArbitrary, integer), { selector: ([labels]) => keyOf(labels) }),
  })
  .map(({ name, type, help, series }): RandomFamily => {
    const suffix = type === 'counter' ? '_total' : '';
    return {
      help,
      family: {
        ...{ name, help, type: type as 'gauge' },
        series: series.map(([labels, value]) => ({ labels: labelText(Object.entries(labels)), value })),
      },
      samples: series.map(([labels, value]) => ({ suffix, labels, value: String(value) })),
    };
  });

const BOUNDS = ['0.5', '1', '10', '+Inf'];

const histogram = fc
  .record({
    name: anyText.map((text) => `h_${metricName(text)}_x`),
    type: fc.constantFrom('histogram', 'gaugehistogram'),
    help: anyText,
    series: fc.uniqueArray(
      fc.tuple(
        labelsArbitrary,
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 60n }), { minLength: 4, maxLength: 4 }),
        integer,
      ),
      { selector: ([labels]) => keyOf(labels) },
    ),
  })
  .map(({ name, type, help, series }): RandomFamily => {
    const samples = series.flatMap(([labels, counts, sum]) => {
      let total = 0n;
      const buckets = BOUNDS.map((le, i) => {
        total += counts[i]!;
        return { suffix: '_bucket', labels: { ...labels, le }, value: String(total) };
      });
      return [
        ...buckets,
        { suffix: '_sum', labels, value: String(sum) },
        { suffix: '_count', labels, value: String(total) },
      ];
    });
    const written = series.map(([labels, counts, sum]) => ({
      ...{ labels: labelText(Object.entries(labels)), counts, sum },
    }));
    return {
      help,
      samples,
      family: { name, help, type: type as 'histogram', bounds: BOUNDS, series: written },
    };
  });

/** Families with any labels, any help, integers of any size; names are unique. */
export const randomFamilies = fc.uniqueArray(fc.oneof(simple, histogram), {
  selector: ({ family }) => family.name,
  maxLength: 6,
});

function keyOf(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort());
}
