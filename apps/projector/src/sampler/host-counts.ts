import { totalmem } from 'node:os';
import { createOSUtils, type MonitorResult } from 'node-os-utils';

/** Memory, bytes. What is available counts as free. */
export interface MemoryCounts {
  readonly total: number;
  readonly used: number;
  /** 0 without swap. */
  readonly swapTotal: number;
  readonly swapUsed: number;
}

/** What went over a network interface since it is there, bytes. */
export interface InterfaceCounts {
  readonly name: string;
  readonly received: number;
  readonly sent: number;
}

/** What was read from and written to a block device since the start, bytes. */
export interface DiskCounts {
  /** As the kernel calls it: `sda1`. */
  readonly name: string;
  readonly read: number;
  readonly written: number;
}

/** What is counted on this host. Every method throws where it cannot be told. */
export interface HostCounts {
  /** Averages over 1, 5 and 15 minutes. */
  load(): Promise<readonly [one: number, five: number, fifteen: number]>;
  memory(): Promise<MemoryCounts>;
  /** Every interface there is. */
  interfaces(): Promise<readonly InterfaceCounts[]>;
  /** Every block device there is. */
  disks(): Promise<readonly DiskCounts[]>;
}

/**
 * What Linux counts in `/proc`, through `node-os-utils`. Only those of its calls that read a file there, which costs some
 * ten microseconds of processor time each; none of those that run a program, as all do on other systems.
 */
export function procCounts(): HostCounts {
  if (process.platform !== 'linux') return nothing('Only Linux has /proc.');
  const library = createOSUtils({
    // Every look is new; the library would else answer what it read some seconds ago.
    cacheEnabled: false,
    disk: { includeStats: true },
  });
  return {
    load: async () => {
      const { load1, load5, load15 } = await told(library.cpu.loadAverage());
      return [load1, load5, load15];
    },
    memory: async () => {
      const [{ total, used }, swap] = await Promise.all([
        told(library.memory.info()),
        told(library.memory.swap()),
      ]);
      // Without /proc/meminfo it passes on what Node says, and that as if it were kilobytes of it.
      if (total.toBytes() < totalmem() / 2) throw new Error('The library cannot read /proc/meminfo.');
      return {
        total: total.toBytes(),
        used: used.toBytes(),
        swapTotal: swap.total.toBytes(),
        swapUsed: swap.used.toBytes(),
      };
    },
    interfaces: async () =>
      (await told(library.network.statsAsync())).map(({ interface: name, rxBytes, txBytes }) => ({
        name,
        received: rxBytes.toBytes(),
        sent: txBytes.toBytes(),
      })),
    disks: async () =>
      (await told(library.disk.stats())).map(({ device, readBytes, writeBytes }) => ({
        name: device,
        read: readBytes.toBytes(),
        written: writeBytes.toBytes(),
      })),
  };
}

/** The library tells of its failures instead of throwing them. */
async function told<T>(asked: Promise<MonitorResult<T>>): Promise<T> {
  const answer = await asked;
  if (!answer.success) throw answer.error;
  return answer.data;
}

function nothing(why: string): HostCounts {
  const refuse = (): Promise<never> => Promise.reject(new Error(why));
  return { load: refuse, memory: refuse, interfaces: refuse, disks: refuse };
}
