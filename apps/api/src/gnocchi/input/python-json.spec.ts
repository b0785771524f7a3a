import { parsePythonJson } from './python-json.js';

test('bare words of Python are read as texts, and nothing in texts is touched', () => {
  expect(parsePythonJson('[NaN, -Infinity, Infinity, "NaN", "\\"NaN, Infinity", {"Infinity": NaN}]')).toEqual(
    ['NaN', '-Infinity', 'Infinity', 'NaN', '"NaN, Infinity', { Infinity: 'NaN' }],
  );
});

test('what is wrong is told of the text as it was sent', () => {
  expect(() => parsePythonJson('[NaN, 1')).toThrow('"[NaN, 1" is not valid JSON');
  expect(() => parsePythonJson('[NaNs]')).toThrow(SyntaxError);
  expect(() => parsePythonJson('{"a')).toThrow(SyntaxError);
});

test('texts that are never closed take one walk, however long they are', () => {
  for (const text of [
    `{"a":"${'\\"'.repeat(500_000)}`,
    '"a'.repeat(500_000),
    `["${'\\'.repeat(1_000_001)}`,
  ]) {
    const before = performance.now();
    expect(() => parsePythonJson(text)).toThrow(SyntaxError);
    // It was minutes; a machine that does much else stays far below this.
    expect(performance.now() - before).toBeLessThan(10_000);
  }
});
