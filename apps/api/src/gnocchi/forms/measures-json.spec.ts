import { type Points, PointsBuilder } from '@quipu/archive';
import { MeasuresJson } from './measures-json.js';

function points(count: number): Points {
  const builder = new PointsBuilder(count);
  for (let i = 0; i < count; i += 1) builder.add(i, 0, i === 1 ? NaN : i);
  return builder.build();
}

test('measures are written as the original writes them', async () => {
  const answers = new MeasuresJson();
  const two = { granularity: 60_000_000_000n, points: points(2) };
  const { json } = await answers.write([two, { granularity: 'W', points: points(1) }]);
  expect(json.toString()).toBe(
    '[["1970-01-01T00:00:00+00:00", 60.0, 0.0], ["1970-01-01T00:00:01+00:00", 60.0, NaN], ["1970-01-01T00:00:00+00:00", "W", 0.0]]',
  );
  expect((await answers.write([])).json.toString()).toBe('[]');
});

test('a long answer is whole, and others have their turn while it is written', async () => {
  const answers = new MeasuresJson();
  let turns = 0;
  let writing = true;
  const others = (async () => {
    while (writing) {
      await new Promise(setImmediate);
      turns += 1;
    }
  })();
  const { json } = await answers.write([{ granularity: 1_000_000_000n, points: points(50_000) }]);
  writing = false;
  await others;
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(
    (JSON.parse(json.toString().replace('NaN', '1')) as unknown[][]).map(([, , value]) => value),
  ).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
});

test('too many measures are refused, of one answer and of all that are in memory', async () => {
  const answers = new MeasuresJson({ answer: 20_000, inFlight: 60_000 });
  const most = { granularity: 1n, points: points(20_000) };
  await expect(answers.write([most, { granularity: 1n, points: points(1) }])).rejects.toMatchObject({
    status: 400,
  });
  const three = await Promise.all([answers.write([most]), answers.write([most]), answers.write([most])]);
  const long = { granularity: 1n, points: points(10_001) };
  await expect(answers.write([long])).rejects.toMatchObject({ status: 503 });
  // A short one is always given.
  expect((await answers.write([{ granularity: 1n, points: points(1) }])).json.length).toBeGreaterThan(2);
  three[0].release();
  three[0].release();
  expect((await answers.write([long])).json.length).toBeGreaterThan(2);
  await expect(answers.write([most])).rejects.toMatchObject({ status: 503 });
});
