import { jest } from '@jest/globals';
import { TotalsFeed } from '@quipu/ledger';
import { LedgerBench } from '../../../ledger/test/ledger-bench.js';
import { PointTotalsReader } from './point-totals.js';

const T0 = Date.UTC(2024, 0, 1);
let count = 0;

function job(type: 'job.queued' | 'job.started', name: string) {
  count += 1;
  return {
    ...{ tenant: 'acme', source: 's', id: `p${count}`, type, subject: `job/${name}` },
    ...{ time: T0 + count, dataversion: 1, data: {} },
  };
}

test('a job that starts while totals are read waits or runs, and never both or neither', async () => {
  const bench = await LedgerBench.open();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to the feed that is asked
  const { members } = TotalsFeed.prototype;
  let [disturbed, attempts] = [0, 0];
  const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
  try {
    const runner = bench.start();
    await runner.whenPosition(await bench.append(names.map((name) => job('job.queued', name))));
    const counting = jest.spyOn(TotalsFeed.prototype, 'members').mockImplementation(async function (
      this: TotalsFeed,
      ...args
    ) {
      attempts += 1;
      if (attempts <= disturbed) {
        await runner.whenPosition(await bench.append([job('job.started', names.pop()!)]));
      }
      return members.apply(this, args);
    });
    const read = async (times: number, strictMs = Infinity) => {
      [disturbed, attempts] = [times, 0];
      const reader = new PointTotalsReader(bench.redis.redis, strictMs);
      const answer = await reader.read(T0 + 1_000_000);
      if (typeof answer === 'string') throw new Error(answer);
      const running = [...answer.totals.family('jobs').series.values()].find(
        ({ labels }) => labels['state'] === 'running',
      );
      const waiting = answer.totals.waiting.reduce((sum, { total }) => sum + total, 0);
      return [attempts, waiting, Number(running?.value ?? 0)];
    };
    expect(await read(0)).toEqual([1, 20, 0]);
    expect(await read(1)).toEqual([2, 19, 1]);
    expect(await read(3)).toEqual([4, 16, 4]);
    // Where totals never stand still the reading ends all the same.
    expect(await read(Infinity)).toEqual([10, 6, 13]);
    // And it does so in time, however long one attempt takes.
    expect(await read(Infinity, 0)).toEqual([2, 4, 15]);
    counting.mockRestore();
  } finally {
    await bench.close();
  }
}, 60_000);
