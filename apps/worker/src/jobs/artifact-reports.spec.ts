import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@quipu/platform';
import type { Reporter } from '@quipu/reporter';
import type { Artifact, FileStore } from '../artifacts/file-store.js';
import { StoreSize } from '../artifacts/store-size.js';
import type { WorkerConfig } from '../worker-config.js';
import { ArtifactReports } from './artifact-reports.js';

const CONFIG = { tenant: 'acme', fileStore: 'main' } as WorkerConfig;
const ARTIFACT: Artifact = { id: 'b', category: 'c', createdMs: 0, files: [] };

describe('reports of the size of a store', () => {
  let directory: string;
  let sizes: unknown[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-reports-'));
    await mkdir(join(directory, 'a'));
    sizes = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  function reports(size: StoreSize, shutdownSeconds = 20): ArtifactReports {
    const reporter = {
      report: ({ type, data }: { type: string; data: Record<string, unknown> }) => {
        if (type === 'file_store.set') sizes.push(data['totalSize']);
        return true;
      },
      flush: () => Promise.resolve(0),
    };
    const logger = createLogger('test', 'silent');
    const config = { ...CONFIG, shutdownSeconds };
    return new ArtifactReports(config, { size } as FileStore, reporter as unknown as Reporter, logger);
  }

  it('say at the end what was not said yet, and nothing that was', async () => {
    const made = reports(new StoreSize(directory, { measure: () => Promise.resolve(7) }));
    await made.size();
    await made.stop();
    expect(sizes).toEqual([7]);
    const more = reports(new StoreSize(directory, { measure: () => Promise.resolve(8) }));
    await more.size();
    await more.created(ARTIFACT);
    await more.stop();
    expect(sizes).toEqual([7, 8, 8]);
  });

  it('hold nobody up that ends while the store is added up, and say nothing that is not known', async () => {
    let found = (_: number): void => undefined;
    const size = new StoreSize(directory, { measure: () => new Promise((resolve) => (found = resolve)) });
    const made = reports(size, 0.2);
    const looking = made.size();
    await made.created(ARTIFACT);
    await made.stop();
    found(7);
    await looking;
    expect(sizes).toEqual([]);
  });
});
