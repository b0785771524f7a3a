import { rm, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostFiles } from '../../test/host-files.js';
import { HostPoints } from './host-points.js';

describe('HostPoints', () => {
  let paths: Awaited<ReturnType<typeof hostFiles>>;

  beforeEach(async () => {
    paths = await hostFiles();
  });
  afterEach(() => rm(paths.root, { recursive: true }));

  const values = async (points: HostPoints): Promise<Record<string, number>> =>
    Object.fromEntries((await points.look()).map(({ metric, value }) => [metric, value]));

  it('tells what the kernel counts, in bytes and fractions', async () => {
    const points = new HostPoints(paths);
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

  it('leaves out what a probe cannot tell, and goes on with the others', async () => {
    const points = new HostPoints(paths);
    await points.look();
    await unlink(join(paths.proc, 'meminfo'));
    await writeFile(join(paths.proc, 'loadavg'), 'hostile\n');
    await writeFile(join(paths.proc, 'stat'), 'cpu  1030 0 520 8040 490 0 0 0 300 0\n');
    await unlink(join(paths.sys, 'dev/block/8:1'));
    const seen = await values(points);
    expect(Object.keys(seen)).toEqual([
      ...['cpu_current', 'cpu_iowait', 'net_in', 'net_out'],
      ...['disk_total', 'disk_used', 'disk_available'],
    ]);
    expect(seen['cpu_iowait']).toBe(0);
  });

  it('tells of this machine, whatever it is', async () => {
    for (const { id, value } of await new HostPoints().look()) {
      expect([id, Number.isFinite(value) && value >= 0]).toEqual(['host', true]);
    }
  });
});
