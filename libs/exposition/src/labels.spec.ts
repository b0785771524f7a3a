import fc from 'fast-check';
import {
  comesBefore,
  distinctLabelNames,
  joinLabels,
  labelName,
  labelText,
  metricName,
  NO_LABELS,
  sortingText,
  sortsOtherwise,
} from './labels.js';

describe('labels', () => {
  it('escapes backslash, quote and newline, nothing else', () => {
    expect(labelText([['a', '\\ " \n \t é']])).toBe('a="\\\\ \\" \\n \t é"');
  });

  it('keeps the given order', () => {
    expect(
      labelText([
        ['b', '1'],
        ['a', '2'],
      ]),
    ).toBe('b="1",a="2"');
  });

  it('joins what is there', () => {
    const a = labelText([['a', '1']]);
    const b = labelText([['b', '2']]);
    expect(joinLabels(a, b)).toBe('a="1",b="2"');
    expect(joinLabels(NO_LABELS, b)).toBe(b);
    expect(joinLabels(a, NO_LABELS)).toBe(a);
  });

  it('have a text that sorts as their values do', () => {
    const values = [
      '',
      '\t',
      '\n',
      ' ',
      'h',
      'h\t',
      'h\n',
      'h ',
      'h 1',
      'h!',
      'h"',
      'h#',
      'h-',
      'h\\',
      'ha',
      'i',
    ];
    const texts = values.flatMap((a) =>
      ['x', 'y'].map((b) =>
        labelText([
          ['a', a],
          ['b', b],
        ]),
      ),
    );
    const sorted = [...texts].reverse().sort((a, b) => (sortingText(a) < sortingText(b) ? -1 : 1));
    expect(sorted).toEqual(texts);
    // Where the text says so, its own order is as good.
    const plain = texts.filter((text) => !sortsOtherwise(text));
    expect(plain).toHaveLength(12);
    expect([...plain].reverse().sort()).toEqual(plain);
  });

  it('are compared as those texts are', () => {
    const value = fc.string({
      unit: fc.constantFrom('"', '\\', '\n', 'n', ' ', '!', '#', 'a', 'é'),
      maxLength: 5,
    });
    const labels = fc.tuple(value, value).map(([a, b]) =>
      labelText([
        ['a', a],
        ['b', b],
      ]),
    );
    fc.assert(
      fc.property(labels, labels, (one, other) => {
        expect(comesBefore(one, other)).toBe(sortingText(one) < sortingText(other));
        expect(comesBefore(other, one)).toBe(sortingText(other) < sortingText(one));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['amd64', 'amd64'],
    ['kfreebsd-amd64', 'kfreebsd_amd64'],
    ['32bit', '_32bit'],
    ['__name__', '_name__'],
    ['☃', '_'],
    ['', '_'],
  ])('makes a label name of %p: %s', (text, name) => {
    expect(labelName(text)).toBe(name);
  });

  it.each([
    ['a:b.c', 'a:b_c'],
    ['9lives', '_9lives'],
    ['', '_'],
  ])('makes a metric name of %p: %s', (text, name) => {
    expect(metricName(text)).toBe(name);
  });

  it('gives each text a name of its own, whatever the order', () => {
    const expected = [
      ['a-b', 'architecture_a_b'],
      ['a_b', 'architecture_a_b_2'],
      ['amd64', 'architecture_amd64'],
    ];
    expect([...distinctLabelNames('architecture_', ['amd64', 'a_b', 'a-b'])].sort()).toEqual(expected);
    expect([...distinctLabelNames('architecture_', ['a-b', 'a_b', 'amd64', 'a_b'])].sort()).toEqual(expected);
  });
});
