import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricPoint, PointType } from '@quipu/read-models';

/** Processor time since the start, in ticks. */
interface ProcessorTicks {
  readonly total: number;
  readonly idle: number;
  readonly iowait: number;
}

/** Where the kernel tells about this host; a test names others. */
export interface HostPaths {
  readonly proc: string;
  readonly sys: string;
  /** The file system whose disk is told about. */
  readonly root: string;
}

const HERE: HostPaths = { proc: '/proc', sys: '/sys', root: '/' };
/** Bytes of a sector in the kernel's counts, whatever the disk's own are. */
const SECTOR = 512;

/**
 * Looks at this host: load, processors, memory, physical network interfaces and the disk of `/`, as the kernel counts
 * them. Read from `/proc`, `/sys` and statfs without a library: each value is one file, none needs a program to be run,
 * and bytes come as the kernel counts them. What cannot be read (no Linux, no such device) is left out.
 */
export class HostPoints {
  private before: ProcessorTicks | null = null;

  constructor(private readonly paths: HostPaths = HERE) {}

  /** Every point of id `host`. Shares of processor time are those since the last look; the first look has none. */
  async look(): Promise<MetricPoint[]> {
    const [processors, loads, memory, network, space, disk] = await Promise.all([
      probe(() => this.processors()),
      probe(() => this.loads()),
      probe(() => this.memory()),
      probe(() => this.network()),
      probe(() => this.space()),
      probe(() => this.disk()),
    ]);
    const parts = [processors, loads, memory, network, space, disk];
    return parts.flatMap((part) => part ?? []);
  }

  private async processors(): Promise<MetricPoint[]> {
    const line = /^cpu +(.*)$/m.exec(await this.proc('stat'))?.[1] ?? '';
    // user nice system idle iowait irq softirq steal; what guests used is in user and nice already.
    const ticks = numbers(line.split(/ +/).slice(0, 8));
    const now = { total: ticks.reduce((a, b) => a + b, 0), idle: ticks[3]!, iowait: ticks[4]! };
    const { before } = this;
    this.before = now;
    if (before === null || now.total <= before.total) return [];
    const total = now.total - before.total;
    const share = (ticksOfIt: number): number => Math.min(1, Math.max(0, ticksOfIt / total));
    // The count of iowait may fall; its share is then none.
    const iowait = share(now.iowait - before.iowait);
    const idle = share(now.idle - before.idle);
    return [gauge('cpu_current', Math.max(0, 1 - idle - iowait)), gauge('cpu_iowait', iowait)];
  }

  private async loads(): Promise<MetricPoint[]> {
    const [one, five, fifteen] = numbers((await this.proc('loadavg')).split(' ').slice(0, 3));
    return [gauge('cpu_avg1', one!), gauge('cpu_avg5', five!), gauge('cpu_avg15', fifteen!)];
  }

  private async memory(): Promise<MetricPoint[]> {
    const text = await this.proc('meminfo');
    const bytes = (name: string): number =>
      numbers([new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? ''])[0]! * 1024;
    const [total, swap] = [bytes('MemTotal'), bytes('SwapTotal')];
    return [
      gauge('mem_total', total),
      gauge('mem_used', total - bytes('MemAvailable')),
      gauge('swap_total', swap),
      gauge('swap_used', swap - bytes('SwapFree')),
    ];
  }

  /**
   * Bytes over the interfaces of this host, each counted once: those with a device behind them, and `eth0` and the like,
   * which is what a container has instead. Bridges, bonds and tunnels carry what others carried before.
   */
  private async network(): Promise<MetricPoint[]> {
    let [received, sent] = [0, 0];
    for (const line of (await this.proc('net/dev')).split('\n')) {
      const [, name, counts] = /^ *([^ ]+): *(.*)$/.exec(line) ?? [];
      if (name === undefined || !(await this.isPhysical(name))) continue;
      const columns = counts!.split(/ +/);
      const [one, other] = numbers([columns[0] ?? '', columns[8] ?? '']);
      received += one!;
      sent += other!;
    }
    return [point('net_in', 'derive', received), point('net_out', 'derive', sent)];
  }

  private async isPhysical(name: string): Promise<boolean> {
    if (/^eth\d+$/.test(name)) return true;
    const device = join(this.paths.sys, 'class/net', name, 'device');
    return stat(device).then(
      () => true,
      () => false,
    );
  }

  private async space(): Promise<MetricPoint[]> {
    const { bsize, blocks, bfree, bavail } = await statfs(this.paths.root);
    return [
      gauge('disk_total', blocks * bsize),
      gauge('disk_used', (blocks - bfree) * bsize),
      gauge('disk_available', bavail * bsize),
    ];
  }

  /** Bytes read from and written to the device that the file system lies on. */
  private async disk(): Promise<MetricPoint[]> {
    const mounts = (await this.proc('self/mountinfo')).split('\n').map((line) => line.split(' '));
    // Of several mounts at one place, the last one is seen.
    const device = mounts.filter(([, , , , place]) => place === '/').at(-1)?.[2];
    if (device === undefined) return [];
    const path = await realpath(join(this.paths.sys, 'dev/block', device));
    const columns = (await readFile(join(path, 'stat'), 'utf8')).trim().split(/ +/);
    const [read, written] = numbers([columns[2] ?? '', columns[6] ?? '']);
    return [point('disk_read', 'derive', read! * SECTOR), point('disk_write', 'derive', written! * SECTOR)];
  }

  private proc(file: string): Promise<string> {
    return readFile(join(this.paths.proc, file), 'utf8');
  }
}

/** What a probe finds, or null if it fails. */
async function probe(look: () => Promise<MetricPoint[]>): Promise<MetricPoint[] | null> {
  try {
    return await look();
  } catch {
    return null;
  }
}

/** @throws for a text that is no number: the kernel tells something else than what is looked for. */
function numbers(texts: readonly string[]): number[] {
  return texts.map((text) => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`"${text}" is no number`);
    return Number(text);
  });
}

function gauge(metric: string, value: number): MetricPoint {
  return point(metric, 'gauge', value);
}

function point(metric: string, type: PointType, value: number): MetricPoint {
  return { id: 'host', metric, type, value };
}
