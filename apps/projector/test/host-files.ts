import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What is counted on an invented host: two processors, a network card, a container's interface, a bridge, one disk. */
export const HOST_COUNTS = {
  load: () => Promise.resolve([0.25, 1.5, 2.75] as const),
  memory: () =>
    Promise.resolve({ total: 8_192_000, used: 5_120_000, swapTotal: 2_048_000, swapUsed: 512_000 }),
  interfaces: () =>
    Promise.resolve([
      { name: 'lo', received: 7777, sent: 7777 },
      { name: 'enp3s0', received: 1000, sent: 200 },
      { name: 'eth0', received: 10, sent: 2 },
      { name: 'virbr0', received: 500, sent: 500 },
    ]),
  disks: () =>
    Promise.resolve([
      { name: 'sda', read: 99_999, written: 99_999 },
      { name: 'sda1', read: 32_768, written: 16_384 },
    ]),
};

/** What its kernel tells beside that. */
const FILES: Readonly<Record<string, string>> = {
  'proc/stat': 'cpu  1000 0 500 8000 500 0 0 0 300 0\ncpu0 500 0 250 4000 250 0 0 0 150 0\nintr 1\n',
  'proc/self/mountinfo':
    '20 25 0:19 / /sys rw - sysfs sysfs rw\n25 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 25 8:2 / /var rw - ext4 x rw\n',
};

/** Writes those files; where `proc`, `sys` and `root` are. The caller removes `root`. */
export async function hostFiles(): Promise<{ proc: string; sys: string; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'quipu-host-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const directory of ['class/net/enp3s0/device', 'devices/sda/sda1', 'dev/block']) {
    await mkdir(join(root, 'sys', directory), { recursive: true });
  }
  await symlink('../../devices/sda/sda1', join(root, 'sys/dev/block/8:1'));
  return { proc: join(root, 'proc'), sys: join(root, 'sys'), root };
}
