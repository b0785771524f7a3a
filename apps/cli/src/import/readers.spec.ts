import fc from 'fast-check';
import { type JsonArrayEnd, type JsonElement, readJsonArray } from './json-elements.js';
import { type Line, readLines } from './lines.js';

async function* cutAt(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 5);
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

async function linesOf(text: string | Buffer, sizes = [5], maxBytes?: number): Promise<Line[]> {
  const found: Line[] = [];
  for await (const some of readLines(cutAt(Buffer.from(text), sizes), maxBytes)) found.push(...some);
  return found;
}

async function elementsOf(
  text: string,
  sizes = [5],
  maxBytes?: number,
): Promise<{ elements: JsonElement[]; end: JsonArrayEnd }> {
  const elements: JsonElement[] = [];
  const reader = readJsonArray(cutAt(Buffer.from(text), sizes), maxBytes);
  for (let next = await reader.next(); ; next = await reader.next()) {
    if (next.done) return { elements, end: next.value };
    elements.push(...next.value);
  }
}

describe('reading lines', () => {
  it('finds what split finds, however the bytes arrive', async () => {
    const line = fc
      .string({ unit: 'binary-ascii', maxLength: 12 })
      .map((text) => text.replace(/[\r\n]/g, ' '));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.array(fc.nat(20), { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        async (lines, sizes, end) => {
          const found = await linesOf(lines.map((text) => text + end).join(''), sizes);
          expect(found.map((entry) => entry.bytes.toString())).toEqual(lines);
          expect(found.map((entry) => entry.number)).toEqual(lines.map((_, index) => index + 1));
        },
      ),
    );
  });

  it('takes a last line without an end', async () => {
    expect((await linesOf('a\nb')).map((entry) => entry.bytes.toString())).toEqual(['a', 'b']);
  });

  it('cuts a line that is too long and reads on behind it', async () => {
    const found = await linesOf(`${'x'.repeat(100)}\nshort\n`, [7], 20);
    expect(found.map(({ bytes, cut }) => [bytes.length, cut])).toEqual([
      [20, true],
      [5, false],
    ]);
  });
});

describe('reading a JSON array', () => {
  it('finds the elements that JSON.parse finds, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 4 })),
        fc.array(fc.nat(9), { minLength: 1 }),
        fc.constantFrom(undefined, 2),
        async (values, sizes, indent) => {
          const { elements, end } = await elementsOf(` ${JSON.stringify(values, null, indent)}\n`, sizes);
          expect(elements.map(({ bytes }): unknown => JSON.parse(bytes.toString()))).toEqual(
            JSON.parse(JSON.stringify(values)),
          );
          expect(end).toBe('complete');
        },
      ),
    );
  });

  it.each([
    ['{"a":1}', 'no-array'],
    ['', 'no-array'],
    ['[1,2', 'cut-off'],
    ['[1,"2]', 'cut-off'],
    ['[1] x', 'trailing-text'],
    ['[]', 'complete'],
  ])('says of %j: %s', async (text, end) => {
    expect((await elementsOf(text)).end).toBe(end);
  });

  it('hands on an empty element for the parser to refuse', async () => {
    const { elements } = await elementsOf('[1,,2]');
    expect(elements.map(({ bytes }) => bytes.toString())).toEqual(['1', '', '2']);
  });

  it('cuts an element that is too long and reads on behind it', async () => {
    const { elements } = await elementsOf(`["${'x'.repeat(50)}",2]`, [9], 10);
    expect(elements.map(({ bytes, cut }) => [bytes.length, cut])).toEqual([
      [10, true],
      [1, false],
    ]);
  });
});
