import { Query } from '../input/query.js';
import { resampleOf } from './measures.js';

test('series are regrouped by the calendar, or by spans whose buckets can be counted exactly', () => {
  expect(resampleOf(new Query('resample=W'), true)).toEqual({ resample: 'W' });
  expect(resampleOf(new Query('resample=0.00001'), true)).toEqual({ resample: 10_000n });
  expect(() => resampleOf(new Query('resample=3e-9'), true)).toThrow(
    expect.objectContaining({ status: 400, detail: expect.objectContaining({ detail: 'resample' }) }),
  );
});
