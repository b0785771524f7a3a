import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from '@quipu/platform';
import type { MetricPoint, PointType } from '@quipu/read-models';
import type { HostCounts } from './host-counts.js';
import { HostProbe } from './host-probe.js';

/** Processor time since the start, in ticks. */
interface ProcessorTicks {
  readonly total: number;
  readonly idle: number;
  readonly iowait: number;
}

/** Where the kernel tells what the library does not; a test names others. */
export interface HostPaths {
  readonly proc: string;
  readonly sys: string;
  /** The file system whose disk is told about. */
  readonly root: string;
}

/** What {@link HostPoints} needs. */
export interface HostPointsOptions {
  readonly counts: HostCounts;
  readonly logger: Logger;
  readonly paths?: HostPaths;
  /** How long a look at one thing may take, ms. */
  readonly patienceMs?: number;
}

const HERE: HostPaths = { proc: '/proc', sys: '/sys', root: '/' };
/** Device numbers that belong to no block device: overlays, network file systems, btrfs. */
const ANONYMOUS = /^0:/;

/**
 * Looks at this host: load, processors, memory, physical network interfaces and the disk of `/`.
 *
 * What is counted comes from a library that reads `/proc` ({@link HostCounts}). Three things it cannot tell, and they are
 * read here: the processors, since its shares are of a fifth of a second of its own and not of the time since the last
 * look, and count what guests use twice; the space of a file system, for which it runs `df`, where Node has statfs; and
 * which interfaces and which device are meant, which is not in `/proc` but in `/sys`.
 */
export class HostPoints {
  private before: ProcessorTicks | null = null;
  private readonly paths: HostPaths;
  private readonly counts: HostCounts;
  private readonly probes: readonly HostProbe[];

  constructor({ counts, logger, paths = HERE, patienceMs }: HostPointsOptions) {
    this.counts = counts;
    this.paths = paths;
    const looks = {
      processors: () => this.processors(),
      load: () => this.load(),
      memory: () => this.memory(),
      network: () => this.network(),
      space: () => this.space(),
      disk: () => this.disk(),
    };
    this.probes = Object.entries(looks).map(
      ([name, look]) =>
        new HostProbe({ name, look, logger, ...(patienceMs === undefined ? {} : { patienceMs }) }),
    );
  }

  /**
   * Every point of id `host` that can be told; never throws. Shares of processor time are those since the last look; the
   * first look has none.
   */
  async look(): Promise<MetricPoint[]> {
    const parts = await Promise.all(this.probes.map((probe) => probe.points()));
    return parts.flat();
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

  private async load(): Promise<MetricPoint[]> {
    const [one, five, fifteen] = await this.counts.load();
    return [gauge('cpu_avg1', one), gauge('cpu_avg5', five), gauge('cpu_avg15', fifteen)];
  }

  private async memory(): Promise<MetricPoint[]> {
    const { total, used, swapTotal, swapUsed } = await this.counts.memory();
    return [
      gauge('mem_total', total),
      gauge('mem_used', used),
      gauge('swap_total', swapTotal),
      gauge('swap_used', swapUsed),
    ];
  }

  /**
   * Bytes over the interfaces of this host, each counted once: those with a device behind them, and `eth0` and the like,
   * which is what a container has instead. Bridges, bonds and tunnels carry what others carried before.
   */
  private async network(): Promise<MetricPoint[]> {
    let [received, sent] = [0, 0];
    for (const one of await this.counts.interfaces()) {
      if (!(await this.isPhysical(one.name))) continue;
      received += one.received;
      sent += one.sent;
    }
    return [point('net_in', 'derive', received), point('net_out', 'derive', sent)];
  }

  /** An interface that has gone since it was counted has no device any more. */
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

  /** Bytes read from and written to the device that the file system lies on; nothing where that is none. */
  private async disk(): Promise<MetricPoint[]> {
    const mounts = (await this.proc('self/mountinfo')).split('\n').map((line) => line.split(' '));
    // Of several mounts at one place, the last one is seen.
    const device = mounts.filter(([, , , , place]) => place === '/').at(-1)?.[2];
    if (device === undefined || ANONYMOUS.test(device)) return [];
    // The name of the directory is that of the device, with the slashes that it may have as exclamation marks.
    const name = basename(await realpath(join(this.paths.sys, 'dev/block', device))).replaceAll('!', '/');
    const found = (await this.counts.disks()).find((disk) => disk.name === name);
    if (found === undefined) throw new Error(`There are no counts of "${name}".`);
    return [point('disk_read', 'derive', found.read), point('disk_write', 'derive', found.written)];
  }

  private proc(file: string): Promise<string> {
    return readFile(join(this.paths.proc, file), 'utf8');
  }
}

/** @throws for a text that is no number: the kernel tells something else than what is looked for. */
function numbers(texts: readonly string[]): number[] {
  return texts.map((text) => {
    if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no number.`);
    return Number(text);
  });
}

function gauge(metric: string, value: number): MetricPoint {
  return point(metric, 'gauge', value);
}

/** @throws for a value that is none, or less than nothing: what is counted of a host never is. */
function point(metric: string, type: PointType, value: number): MetricPoint {
  if (!Number.isFinite(value) || value < 0) throw new Error(`${metric} would be ${value}.`);
  return { id: 'host', metric, type, value };
}
