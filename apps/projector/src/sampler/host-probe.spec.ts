import type { Logger } from '@quipu/platform';
import type { MetricPoint } from '@quipu/read-models';
import { HostProbe } from './host-probe.js';

const POINT: MetricPoint = { id: 'host', metric: 'n', type: 'gauge', value: 1 };

describe('HostProbe', () => {
  const lines: unknown[] = [];
  const logger = {
    warn: (fields: { reason: string }) => lines.push(['warn', fields.reason]),
    info: () => lines.push(['info']),
  } as unknown as Logger;
  beforeEach(() => {
    lines.length = 0;
  });

  it('leaves points out while they cannot be told, and says so once', async () => {
    const answers: (MetricPoint[] | Error)[] = [[POINT], new Error('gone'), new Error('gone still'), [POINT]];
    const look = (): Promise<MetricPoint[]> => {
      const answer = answers.shift()!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const probe = new HostProbe({ name: 'memory', look, logger });
    const seen: MetricPoint[][] = [];
    while (answers.length > 0) seen.push(await probe.points());
    expect(seen).toEqual([[POINT], [], [], [POINT]]);
    expect(lines).toEqual([['warn', 'gone'], ['info']]);
  });

  it('waits for nothing that hangs, asks it only once, and takes up again when it has come back', async () => {
    let asked = 0;
    let comeBack = (): void => undefined;
    const hanging = new Promise<MetricPoint[]>((resolve) => {
      comeBack = () => resolve([]);
    });
    const look = (): Promise<MetricPoint[]> => ((asked += 1) === 1 ? hanging : Promise.resolve([POINT]));
    const probe = new HostProbe({ name: 'space', look, logger, patienceMs: 10 });
    expect([await probe.points(), await probe.points(), asked]).toEqual([[], [], 1]);
    comeBack();
    await hanging;
    expect([await probe.points(), asked]).toEqual([[POINT], 2]);
    expect(lines).toEqual([['warn', expect.stringContaining('10 ms')], ['info']]);
  });
});
