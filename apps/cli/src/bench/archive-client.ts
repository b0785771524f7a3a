import { Agent, request } from 'node:http';
import { CommandFailedError } from '../support/exit-codes.js';

/** Where an archive answers, and as whom to ask. */
export interface ArchiveAddress {
  /** Up to and without `/v1`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Whether it keeps connections; one that closes them without a word must not be given a second request. */
  readonly keepAlive: boolean;
}

/** `[timestamp, granularity, value]`. */
export type Measure = readonly [string, number, number];

/** One program that speaks to an archive, one request after the other. */
export class ArchiveClient {
  private readonly agent: Agent;
  private readonly authorization: string;

  constructor(private readonly address: ArchiveAddress) {
    const { user, password, keepAlive } = address;
    this.agent = new Agent({ keepAlive, maxSockets: 1 });
    this.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  /** Creates so many metrics of a policy; answers with their ids. */
  async createMetrics(policy: string, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const made = await this.ask('POST', '/v1/metric', JSON.stringify({ archive_policy_name: policy }));
      ids.push((JSON.parse(made) as { id: string }).id);
    }
    return ids;
  }

  /** Posts measures of many metrics, written down before: writing is not what is measured. */
  async postBatch(body: string): Promise<void> {
    await this.ask('POST', '/v1/batch/metrics/measures', body);
  }

  /** Measures of one metric. */
  async measures(id: string, query: string): Promise<Measure[]> {
    return JSON.parse(await this.ask('GET', `/v1/metric/${id}/measures?${query}`)) as Measure[];
  }

  /** One series of many metrics. */
  async across(ids: readonly string[], query: string): Promise<Measure[]> {
    const path = `/v1/aggregation/metric?${query}`;
    return JSON.parse(await this.ask('POST', path, JSON.stringify(ids))) as Measure[];
  }

  /** How many measures the archive says it has still to process. */
  async toProcess(): Promise<number> {
    const status = JSON.parse(await this.ask('GET', '/v1/status?details=false')) as {
      storage: { summary: { measures: number } };
    };
    return status.storage.summary.measures;
  }

  close(): void {
    this.agent.destroy();
  }

  private ask(method: string, path: string, body?: string): Promise<string> {
    return new Promise((done, fail) => {
      const headers = {
        ...{ authorization: this.authorization, accept: 'application/json' },
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      };
      const sent = request(`${this.address.url}${path}`, { method, agent: this.agent, headers });
      sent.setNoDelay(true);
      sent.once('error', fail);
      sent.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', fail);
        response.once('end', () => {
          const text = Buffer.concat(parts).toString();
          if ((response.statusCode ?? 500) < 300) return done(text);
          const answer = `${response.statusCode}: ${text.slice(0, 300)}`;
          fail(new CommandFailedError(`${method} ${path} was answered with ${answer}`));
        });
      });
      sent.end(body);
    });
  }
}
