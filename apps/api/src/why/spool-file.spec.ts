import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SpoolFile } from './spool-file.js';

const LIMITS = { bytes: 1024 ** 2, stallMs: 30_000 };

describe('SpoolFile', () => {
  it('gives back what was added, in order', async () => {
    const file = await SpoolFile.create(LIMITS);
    const lines = Array.from({ length: 3_000 }, (_, i) => `${i} ${'ä'.repeat(i % 100)}`);
    for (const line of lines) await file.add(line);
    expect(await text(await file.read())).toBe(`${lines.join('\n')}\n`);
    expect(await text(await (await SpoolFile.create(LIMITS)).read())).toBe('');
  });

  it('has no name, so that nothing stays of it', async () => {
    const file = await SpoolFile.create(LIMITS);
    await file.add('a');
    const { nlink, mode } = await file['handle'].stat();
    expect([nlink, mode & 0o777]).toEqual([0, 0o600]);
    await file.discard();
    expect(file['handle'].fd).toBe(-1);
  });

  it('takes no more than its limit, and says what to do', async () => {
    const file = await SpoolFile.create({ ...LIMITS, bytes: 100_000 });
    const add = async () => {
      for (;;) await file.add('x'.repeat(999));
    };
    await expect(add()).rejects.toMatchObject({
      status: 422,
      message: 'The file would have more than 100000 bytes.',
      extra: { hint: expect.any(String) },
    });
    expect((await file['handle'].stat()).size).toBeLessThanOrEqual(100_000);
    await file.discard();
  });

  it('gives up a reader that takes nothing, and closes the file', async () => {
    const file = await SpoolFile.create({ ...LIMITS, stallMs: 20 });
    for (let i = 0; i < 500; i += 1) await file.add('x'.repeat(999));
    const lines = await file.read();
    const [error] = (await once(lines, 'error')) as [Error];
    expect(error.message).toBe('the reader took nothing for 20 ms');
    if (!lines.closed) await once(lines, 'close');
    expect(file['handle'].fd).toBe(-1);
  });

  it('gives it up sooner when told to hurry', async () => {
    const file = await SpoolFile.create(LIMITS);
    await file.add('x');
    const lines = await file.read();
    lines.hurry(10);
    const [error] = (await once(lines, 'error')) as [Error];
    expect(error.message).toContain('10 ms');
  });
});
