import { bucketsOf, configureBuckets, DEFAULT_BUCKETS, FILE_SIZES } from './buckets.js';
import { metricFamily } from './catalogue.js';

describe('buckets', () => {
  it('are configured before they are used, and stand from then on', () => {
    configureBuckets({ jobWaitBuckets: [1, 2.5] });
    expect(bucketsOf('wait')).toEqual([1, 2.5]);
    expect(bucketsOf('run')).toBe(DEFAULT_BUCKETS.run);
    expect(metricFamily('quipu_job_wait_seconds')).toMatchObject({ buckets: [1, 2.5] });
    expect(() => configureBuckets({ jobWaitBuckets: [1, 2.5] })).not.toThrow();
    expect(() => configureBuckets({})).toThrow('before');
  });

  it('of files reach from 1 KiB to 4 GiB', () => {
    expect(FILE_SIZES).toHaveLength(12);
    expect([FILE_SIZES[0], FILE_SIZES.at(-1)]).toEqual([1_024, 4_294_967_296]);
  });
});
