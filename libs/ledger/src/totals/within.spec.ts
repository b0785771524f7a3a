import { MessageChannel } from 'node:worker_threads';
import { StoreUnavailableError } from '@quipu/platform';
import { within } from './within.js';

const never = new Promise<never>(() => undefined);

describe('within', () => {
  it('gives the answer, or fails when there is none', async () => {
    expect(await within(60_000, 'Asking', Promise.resolve('here'))).toBe('here');
    await expect(within(60_000, 'Asking', Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(within(1, 'Asking', never)).rejects.toThrow(StoreUnavailableError);
  });

  it('takes an answer that came while the process stood still', async () => {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => port1.once('message', resolve));
    // From here on the loop looks at its timers before it looks at what has come.
    await new Promise((resolve) => setImmediate(resolve));
    const waited = within(1, 'Asking', answer);
    port2.postMessage('here');
    for (const started = performance.now(); performance.now() < started + 20;);
    expect(await waited).toBe('here');
    port1.close();
  });
});
