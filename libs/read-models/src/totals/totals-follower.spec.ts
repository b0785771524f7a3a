import type { TotalsChange, TotalsFeed, TotalsHead } from '@quipu/ledger';
import { TotalsFollower } from './totals-follower.js';

/** A feed that tells what it is given. */
function feedOf(fields: readonly string[], changes: readonly TotalsChange[]): TotalsFeed {
  const headAt = (position: string): TotalsHead => ({ position, epoch: 'e', generation: 'g' });
  const end = changes.at(-1)?.to ?? '0';
  return {
    start: () => Promise.resolve({ head: headAt('0'), last: '0-0' }),
    async *scan() {
      await Promise.resolve();
      yield fields;
    },
    after: (last: string) =>
      Promise.resolve({ head: headAt(end), changes: last === '0-0' ? changes : [], last: '1-0' }),
  } as unknown as TotalsFeed;
}

describe('TotalsFollower', () => {
  it('lets the event loop turn while it takes in long changes, each parsed when it is its turn', async () => {
    let [read, most, ended] = [0, 0, false];
    const changes = Array.from({ length: 60 }, (_, i) => ({
      ...{ from: String(i), to: String(i + 1), generation: 'g' },
      get values(): string[] {
        read += 1;
        return Array.from({ length: 500 }, (_, j) => [`jobs|t|{"q":"${j}"}`, String(i + 1)]).flat();
      },
    }));
    const tick = (): void => {
      most = Math.max(most, read);
      read = 0;
      if (!ended) setImmediate(tick);
    };
    const follower = new TotalsFollower(feedOf([], changes));
    setImmediate(tick);
    expect(await follower.sync()).toBeNull();
    ended = true;
    const { families, position } = follower.copy!;
    expect(position).toBe(60n);
    const values = [...families.family('jobs').series.values()].map(({ value }) => value);
    expect([values.length, new Set(values)]).toEqual([500, new Set(['60'])]);
    expect([most > 0, most <= 2]).toEqual([true, true]);
  });

  it.each([
    ['a value that is no integer', 'jobs|t|{}', 'many'],
    ['an empty value', 'jobs|t|{}', ''],
    ['labels that are none', 'jobs|t|null', '1'],
    ['labels that are no JSON', 'jobs|t|{', '1'],
    ['a tenant that is not written as one', 'jobs|%|{}', '1'],
  ])('trusts no totals with %s, and goes on when they are right', async (_, field, value) => {
    const change = { from: '0', to: '1', generation: 'g', values: ['jobs|t|{"a":"b"}', '1', field, value] };
    for (const feed of [feedOf([field, value], []), feedOf([], [change])]) {
      const follower = new TotalsFollower(feed);
      expect([await follower.sync(), follower.copy]).toEqual(['torn', null]);
    }
    const feed = feedOf([field, value], []);
    const follower = new TotalsFollower(feed);
    await follower.sync();
    Object.assign(feed, feedOf(['jobs|t|{}', '-5'], []));
    expect(await follower.sync()).toBeNull();
    expect([...follower.copy!.families.family('jobs').series.values()]).toEqual([
      { tenant: 't', labels: {}, value: '-5' },
    ]);
  });

  it('tells an outage from totals that cannot be read', async () => {
    const feed = feedOf([], []);
    feed.start = () => Promise.reject(new Error('gone'));
    await expect(new TotalsFollower(feed).sync()).rejects.toThrow('gone');
  });
});
