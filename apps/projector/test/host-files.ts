import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What the kernel of an invented host tells: two processors, a network card, a container's bridge, one disk. */
const FILES: Readonly<Record<string, string>> = {
  'proc/stat': 'cpu  1000 0 500 8000 500 0 0 0 300 0\ncpu0 500 0 250 4000 250 0 0 0 150 0\nintr 1\n',
  'proc/loadavg': '0.25 1.50 2.75 1/99 4242\n',
  'proc/meminfo':
    'MemTotal:        8000 kB\nMemFree:          500 kB\nMemAvailable:    3000 kB\n' +
    'SwapTotal:       2000 kB\nSwapFree:        1500 kB\n',
  'proc/net/dev':
    'Inter-|   Receive   |  Transmit\n face |bytes packets |bytes packets\n' +
    '    lo: 7777 1 0 0 0 0 0 0 7777 1 0 0 0 0 0 0\n' +
    'enp3s0:1000 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n' +
    '  eth0: 10 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n' +
    ' virbr0: 500 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n',
  'proc/self/mountinfo':
    '20 25 0:19 / /sys rw - sysfs sysfs rw\n25 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 25 8:2 / /var rw - ext4 x rw\n',
  'sys/devices/sda1/stat': '     100 0      64 5 50 0      32 9 0 7 14\n',
};

/** Writes those files; where `proc`, `sys` and `root` are. The caller removes `root`. */
export async function hostFiles(): Promise<{ proc: string; sys: string; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'quipu-host-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await mkdir(join(root, 'sys/class/net/enp3s0/device'), { recursive: true });
  await mkdir(join(root, 'sys/dev/block'), { recursive: true });
  await symlink('../../devices/sda1', join(root, 'sys/dev/block/8:1'));
  return { proc: join(root, 'proc'), sys: join(root, 'sys'), root };
}
