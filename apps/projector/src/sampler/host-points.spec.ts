import { rm, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@quipu/platform';
import { HOST_COUNTS, hostFiles } from '../../test/host-files.js';
import { type HostCounts, procCounts } from './host-counts.js';
import { HostPoints } from './host-points.js';

const logger = createLogger('test', 'silent');

describe('HostPoints', () => {
  let paths: Awaited<ReturnType<typeof hostFiles>>;

  beforeEach(async () => {
    paths = await hostFiles();
  });
  afterEach(() => rm(paths.root, { recursive: true }));

  const host = (counts: Partial<HostCounts> = {}): HostPoints =>
    new HostPoints({ counts: { ...HOST_COUNTS, ...counts }, logger, paths });
  const values = async (points: HostPoints): Promise<Record<string, number>> =>
    Object.fromEntries((await points.look()).map(({ metric, value }) => [metric, value]));

  it('tells what is counted, in bytes and fractions', async () => {
    const points = host();
    expect(await values(points)).not.toHaveProperty('cpu_current');
    await writeFile(join(paths.proc, 'stat'), 'cpu  1030 0 520 8040 510 0 0 0 300 0\n');
    const { blocks, bfree, bsize, bavail } = await statfs(paths.root);
    const seen = await values(points);
    expect(seen).toEqual({
      ...{ cpu_current: 0.5, cpu_iowait: 0.1, cpu_avg1: 0.25, cpu_avg5: 1.5, cpu_avg15: 2.75 },
      ...{ mem_total: 8_192_000, mem_used: 5_120_000, swap_total: 2_048_000, swap_used: 512_000 },
      // The loopback and the bridge carry what is no traffic of the host, or was counted before.
      ...{ net_in: 1010, net_out: 202 },
      disk_total: blocks * bsize,
      disk_used: expect.any(Number),
      disk_available: expect.any(Number),
      ...{ disk_read: 64 * 512, disk_write: 32 * 512 },
    });
    expect(Math.abs(seen['disk_used']! - (blocks - bfree) * bsize)).toBeLessThan(0.5 * blocks * bsize);
    expect(bavail).toBeGreaterThan(0);
  });

  it('leaves out what cannot be told, and goes on with the rest', async () => {
    const points = host({
      memory: () => Promise.reject(new Error('no memory')),
      load: () => Promise.resolve([Number.NaN, 1, 1]),
    });
    await points.look();
    await writeFile(join(paths.proc, 'stat'), 'cpu  1030 0 520 8040 490 0 0 0 300 0\n');
    await unlink(join(paths.sys, 'dev/block/8:1'));
    const seen = await values(points);
    expect(Object.keys(seen)).toEqual([
      ...['cpu_current', 'cpu_iowait', 'net_in', 'net_out'],
      ...['disk_total', 'disk_used', 'disk_available'],
    ]);
    expect(seen['cpu_iowait']).toBe(0);
  });

  it('tells of a container, whose root lies on no device, of a host without swap, and of an interface that goes', async () => {
    await writeFile(join(paths.proc, 'self/mountinfo'), '25 1 0:53 / / rw - overlay overlay rw\n');
    await rm(join(paths.sys, 'class/net/enp3s0'), { recursive: true });
    const memory = { total: 5, used: 3, swapTotal: 0, swapUsed: 0 };
    const seen = await values(host({ memory: () => Promise.resolve(memory) }));
    expect(seen).toMatchObject({ mem_total: 5, mem_used: 3, swap_total: 0, swap_used: 0 });
    expect(seen).toMatchObject({ net_in: 10, net_out: 2 });
    expect(Object.keys(seen)).not.toContain('disk_read');
  });

  it('tells of this machine, whatever it is', async () => {
    const points = new HostPoints({ counts: procCounts(), logger });
    for (const { id, value } of await points.look()) {
      expect([id, Number.isFinite(value) && value >= 0]).toEqual(['host', true]);
    }
  });
});
