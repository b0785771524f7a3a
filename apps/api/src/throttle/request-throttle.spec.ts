import { LocalBuckets } from './local-buckets.js';
import { network } from './request-throttle.js';

describe('LocalBuckets', () => {
  it('takes a burst at once, then one request per pause', () => {
    const buckets = new LocalBuckets(1_000);
    const mine = [{ key: 'a', perSecond: 10 }];
    for (let i = 0; i < 10; i += 1) expect(buckets.take(mine, 0)).toBe(0);
    expect(buckets.take(mine, 0)).toBe(100);
    expect(buckets.take(mine, 99)).toBe(1);
    expect(buckets.take(mine, 100)).toBe(0);
    expect(buckets.take([{ key: 'b', perSecond: 10 }], 100)).toBe(0);
  });

  it('takes from all buckets of a request or from none', () => {
    const buckets = new LocalBuckets(1_000);
    const [narrow, wide] = [
      { key: 'narrow', perSecond: 1 },
      { key: 'wide', perSecond: 2 },
    ];
    expect(buckets.take([narrow, wide], 0)).toBe(0);
    expect(buckets.take([narrow, wide], 0)).toBe(1_000);
    expect(buckets.take([wide], 0)).toBe(0);
    expect(buckets.take([wide], 0)).toBe(500);
  });

  it('forgets who is long gone, so that made-up keys take no memory', () => {
    const buckets = new LocalBuckets(1_000);
    for (let i = 0; i < 50_000; i += 1) buckets.take([{ key: `k${i}`, perSecond: 1 }], i);
    expect(buckets['full'].size).toBeLessThanOrEqual(10_000);
  });
});

describe('network', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('of %s is %s', (address, expected) => expect(network(address)).toBe(expected));
});
