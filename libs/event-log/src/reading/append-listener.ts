import pg from 'pg';
import { APPEND_CHANNEL } from '../append/append-signal.js';

const RECONNECT_MS = 1_000;

/**
 * A session of its own that listens for appends and comes back by itself when it is lost. `wake` is called
 * for each notification and after each reconnection, because what was told in between is lost.
 */
export class AppendListener {
  private client: pg.Client | null = null;
  private retry: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    private readonly config: pg.ClientConfig,
    private readonly wake: () => void,
  ) {}

  /** Resolves once it listens, or once the first attempt failed; then it goes on trying. Never throws. */
  async start(): Promise<void> {
    const client = new pg.Client(this.config);
    this.client = client;
    const lost = () => {
      if (this.client !== client) return;
      this.client = null;
      // A client that lost its socket keeps a half-open handle until it is told to end.
      client.end().catch(() => undefined);
      if (this.stopped) return;
      this.retry = setTimeout(() => void this.start().then(() => this.wake()), RECONNECT_MS);
      this.retry.unref();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', () => this.wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${APPEND_CHANNEL}`);
    } catch {
      lost();
    }
  }

  /** Ends the session; `wake` is not called any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.retry !== null) clearTimeout(this.retry);
    const client = this.client;
    this.client = null;
    await client?.end().catch(() => undefined);
  }
}
