import { once } from 'node:events';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const MEBIBYTE = 1 << 20;

/** What only shows on a real connection: bodies that come in pieces, do not end, or are refused while they come. */
describe('events over a real connection', () => {
  let system: TestSystem;
  let address: URL;
  let key: string;

  beforeAll(async () => {
    system = await startTestSystem();
    await system.tenants.create({ id: 'acme' });
    key = await system.principal('acme', 'bot', 'reporter');
    address = new URL(await system.listen());
  });
  afterAll(() => system.stop());

  interface Answer {
    status: number;
    body: { detail?: string; accepted?: number; status?: number };
  }

  /** Sends a body in pieces, without waiting for an answer in between. */
  async function send(pieces: Iterable<string | Buffer>, headers: Record<string, string>): Promise<Answer> {
    const options: RequestOptions = {
      ...{ host: address.hostname, port: address.port, method: 'POST', path: '/api/events' },
      headers: { authorization: `Bearer ${key}`, ...headers },
    };
    const sent = request(options);
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    let finished = false;
    void answered.then(() => (finished = true));
    for (const piece of pieces) {
      if (finished) break;
      if (!sent.write(piece)) await Promise.race([once(sent, 'drain'), answered]);
    }
    sent.end();
    const [response] = await answered;
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
    return { status: response.statusCode!, body: JSON.parse(text) };
  }

  const lines = { 'content-type': 'application/x-ndjson' };

  it('takes events that come in pieces, cut anywhere', async () => {
    const event = sampleCloudEvent({ data: { user: 'ünïcödé \u{1f600}' } });
    const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
    const pieces = Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
    expect(await send(pieces, lines)).toMatchObject({ status: 202, body: { accepted: 1 } });
    const zipped = gzipSync(`${JSON.stringify(sampleCloudEvent())}\n`);
    const halves = [zipped.subarray(0, 20), zipped.subarray(20)];
    expect(await send(halves, { ...lines, 'content-encoding': 'gzip' })).toMatchObject({
      body: { accepted: 1 },
    });
    await until(async () => (await system.log.locate([event as never]))[0] !== null);
  });

  it('tells a sender of too much so while it still sends', async () => {
    const piece = Buffer.alloc(MEBIBYTE, ' ');
    const answer = await send(
      Array.from({ length: 40 }, () => piece),
      lines,
    );
    expect(answer).toMatchObject({ status: 413, body: { status: 413 } });
  });

  it('refuses bombs without unpacking them, and goes on', async () => {
    const zip = createGzip();
    const packed: Buffer[] = [];
    zip.on('data', (chunk: Buffer) => packed.push(chunk));
    for (let i = 0; i < 300; i += 1) if (!zip.write(Buffer.alloc(MEBIBYTE))) await once(zip, 'drain');
    zip.end();
    await once(zip, 'end');
    const before = process.memoryUsage().rss;
    const bombs = await Promise.all(
      Array.from({ length: 10 }, () => send(packed, { ...lines, 'content-encoding': 'gzip' })),
    );
    // Bombs beyond what the process holds at a time are put off.
    expect(bombs.map(({ status }) => status).filter((status) => status !== 413 && status !== 503)).toEqual(
      [],
    );
    expect(bombs.map(({ status }) => status)).toContain(413);
    expect((await send([`${JSON.stringify(sampleCloudEvent())}\n`], lines)).status).toBe(202);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * MEBIBYTE);
  }, 60_000);

  it('looks at the key before it reads the body', async () => {
    const piece = Buffer.alloc(MEBIBYTE, ' ');
    const answer = await send(
      Array.from({ length: 40 }, () => piece),
      { ...lines, authorization: 'Bearer qk_wrong' },
    );
    expect(answer.status).toBe(401);
  });

  it('asks for a content type where there is none', async () => {
    expect((await send(['{}'], {})).status).toBe(415);
    expect((await send([], {})).status).toBe(415);
    expect((await send([], { 'content-type': 'application/json' })).status).toBe(400);
  });

  it('refuses a request whose line and headers are over 16 KiB before it looks at anything', async () => {
    const socket = connect(Number(address.port), address.hostname);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(`GET /v2/metrics/queues HTTP/1.1\r\nHost: quipu\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ statusCode: 431 });
  });

  it.each(['/V2/metrics/queues', '//v2/metrics/queues'])('%s is no path of a dialect', async (path) => {
    const answer = await fetch(`${address.origin}${path}`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('forgets a sender that goes away in the middle', async () => {
    const event = sampleCloudEvent();
    const socket = connect(Number(address.port), address.hostname);
    await once(socket, 'connect');
    const head = [
      'POST /api/events HTTP/1.1',
      'Host: quipu',
      `Authorization: Bearer ${key}`,
      'Content-Type: application/json',
      'Content-Length: 100000',
      'Expect: 100-continue',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    // The server has taken the request, and waits for its body.
    const [said] = (await once(socket, 'data')) as [Buffer];
    expect(said.toString()).toMatch(/^HTTP\/1\.1 100 Continue/);
    await new Promise((sent) => socket.write(JSON.stringify(event), sent));
    socket.destroy();
    await once(socket, 'close');
    const alive = await send([`${JSON.stringify(sampleCloudEvent())}\n`], lines);
    expect(alive.status).toBe(202);
    expect((await system.log.locate([event as never]))[0]).toBeNull();
  });

  it('keeps the connection for the next request after a refusal', async () => {
    const socket = connect(Number(address.port), address.hostname);
    let answers = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answers += text));
    await once(socket, 'connect');
    const post = (body: string) =>
      [
        'POST /api/events HTTP/1.1',
        'Host: quipu',
        `Authorization: Bearer ${key}`,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
      ].join('\r\n') + `\r\n\r\n${body}`;
    socket.write(post('{"cut'));
    await until(() => answers.includes('The body is no JSON'));
    socket.write(post(JSON.stringify(sampleCloudEvent())));
    await until(() => answers.includes('"accepted":1'));
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 202']);
    socket.destroy();
  });
});
