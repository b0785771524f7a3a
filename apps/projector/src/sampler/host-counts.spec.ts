import { createHook } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { type HostCounts, procCounts } from './host-counts.js';

/** Columns of a file of the kernel's, by the text that is in one of them. */
async function table(file: string, name: number, columns: readonly number[]): Promise<Map<string, number[]>> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim().split(/[\s:]+/));
  return new Map(lines.map((parts) => [parts[name]!, columns.map((column) => Number(parts[column]))]));
}

const linux = process.platform === 'linux' ? describe : describe.skip;

linux('what the library counts', () => {
  let counts: HostCounts;
  let programs = 0;
  const hook = createHook({
    init: (_, type) => {
      if (type === 'PROCESSWRAP') programs += 1;
    },
  });

  beforeAll(() => {
    hook.enable();
    counts = procCounts();
  });
  afterAll(() => {
    hook.disable();
  });

  it('is what the kernel says of memory and load, in bytes', async () => {
    const kernel = async (): Promise<Map<string, number>> =>
      new Map([...(await table('/proc/meminfo', 0, [1]))].map(([name, [kB]]) => [name, kB! * 1024]));
    const before = await kernel();
    const { total, used, swapTotal, swapUsed } = await counts.memory();
    expect(total).toBe(before.get('MemTotal'));
    expect(swapTotal).toBe(before.get('SwapTotal') ?? 0);
    expect(swapUsed).toBeLessThanOrEqual(swapTotal);
    // Memory moves between two looks, but not by a quarter of it.
    expect(Math.abs(used - (total - before.get('MemAvailable')!))).toBeLessThan(total / 4);
    const load = await counts.load();
    const [line] = (await readFile('/proc/loadavg', 'utf8')).split('\n');
    expect(load).toHaveLength(3);
    for (const [i, value] of load.entries())
      expect(Math.abs(value - Number(line!.split(' ')[i]))).toBeLessThan(50);
  });

  it('is what the kernel says of every interface and block device, in bytes', async () => {
    const looks = [
      {
        kernel: () => table('/proc/net/dev', 0, [1, 9]),
        library: async () =>
          (await counts.interfaces()).map(({ name, received, sent }) => [name, received, sent] as const),
        unit: 1,
      },
      {
        kernel: () => table('/proc/diskstats', 2, [5, 9]),
        library: async () =>
          (await counts.disks()).map(({ name, read, written }) => [name, read, written] as const),
        unit: 512,
      },
    ];
    for (const { kernel, library, unit } of looks) {
      const before = await kernel();
      const seen = await library();
      const after = await kernel();
      for (const [name, one, other] of seen) {
        for (const [i, value] of [one, other].entries()) {
          // What was there before and after was counted in between.
          if (!before.has(name) || !after.has(name)) continue;
          expect([name, value >= before.get(name)![i]! * unit]).toEqual([name, true]);
          expect([name, value <= after.get(name)![i]! * unit]).toEqual([name, true]);
        }
      }
      expect(seen.map(([name]) => name)).toEqual(
        expect.arrayContaining(
          [...before.keys()].filter((name) => after.has(name) && before.get(name)!.every(Number.isFinite)),
        ),
      );
    }
  });

  it('is read from files: no program is run', async () => {
    programs = 0;
    await Promise.all([counts.load(), counts.memory(), counts.interfaces(), counts.disks()]);
    expect(programs).toBe(0);
  });
});
