import type { LogEvent } from '@quipu/contracts';
import { Batch } from './batch.js';
import { Posture } from './posture.js';
import { SentReports } from './sent-reports.js';

describe('what is told of whether the sweeper judges', () => {
  it('is each change once, and nothing that is over within seconds', () => {
    const posture = new Posture(0);
    const told = [
      posture.note('hearing', 1_000),
      posture.note('hearing', 6_000),
      posture.note('hearing', 7_000),
      posture.note(null, 60_000),
      posture.note(null, 61_000),
      posture.note('queue', 62_000),
      posture.note('queue', 64_000),
      posture.note(null, 65_000),
      posture.note('queue', 66_000),
      posture.note('queue', 70_000),
      posture.note('redis', 71_000),
    ];
    expect(told).toEqual([
      ...[undefined, 'hearing', undefined, null, undefined],
      ...[undefined, undefined, undefined, undefined, 'queue', 'redis'],
    ]);
  });
});

describe('reports that were sent', () => {
  const event = (id: string) => ({ id }) as LogEvent;
  const both = [event('a'), event('b')];

  it('are sent again only when the log has not told them back, less and less often', () => {
    const sent = new SentReports();
    sent.note([event('a')], 0);
    expect(sent.due(both, 9_999)).toEqual([event('b')]);
    expect(sent.due(both, 10_000)).toEqual(both);
    sent.note([event('a')], 10_000);
    expect(sent.due([event('a')], 29_999)).toEqual([]);
    expect(sent.due([event('a')], 30_000)).toEqual([event('a')]);
    for (let n = 0; n < 30; n += 1) sent.note([event('a')], 30_000);
    expect(sent.due([event('a')], 3_629_999)).toEqual([]);
    expect(sent.due([event('a')], 3_630_000)).toEqual([event('a')]);
  });
});

describe('how many are judged at once', () => {
  it('are fewer the longer it took, one at least, and more again when there is time', () => {
    const batch = new Batch();
    const sizes = [batch.size];
    for (const times of [1.1, 3, 1.5, 9]) {
      expect(batch.shrink(times)).toBe(true);
      sizes.push(batch.size);
    }
    expect(batch.shrink(2)).toBe(false);
    for (let n = 0; n < 9; n += 1) batch.grow();
    expect([...sizes, batch.size]).toEqual([200, 90, 15, 5, 1, 200]);
  });
});
