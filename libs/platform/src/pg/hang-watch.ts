import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool, type PoolClient, type PoolConfig } from 'pg';

/** How long {@link watchForHangs} lets what pass; together, about what a caller waits for at most. */
export interface HangPatience {
  /** A connection that is in use for so long makes it ask whether the server answers at all, ms. */
  readonly busyMs: number;
  /** A server that does not answer a new connection for so long hangs, ms. */
  readonly silentMs: number;
}

/**
 * Closes the connections in use when the server hangs, so that whoever waits on them hears of it in seconds, while a
 * statement that just takes long may go on: a time limit for statements cannot tell the two apart. States: resting
 * while no connection is in use; looking, every half `busyMs`; asking, by a connection of its own, when one has been in
 * use for `busyMs`. An answer of any kind, a refusal too, comes from a server that lives.
 */
export function watchForHangs(pool: Pool, config: PoolConfig, { busyMs, silentMs }: HangPatience): void {
  const inUse = new Map<PoolClient, number>();
  let watching = false;
  const watch = async (): Promise<void> => {
    while (inUse.size > 0) {
      await delay(busyMs / 2, undefined, { ref: false });
      const oldest = Math.min(...inUse.values());
      if (performance.now() - oldest < busyMs || !(await hangs(config, silentMs))) continue;
      for (const client of inUse.keys()) closeSocket(client);
      inUse.clear();
    }
    watching = false;
  };
  pool.on('acquire', (client) => {
    inUse.set(client, performance.now());
    if (watching) return;
    watching = true;
    void watch();
  });
  pool.on('release', (_error, client) => inUse.delete(client));
  pool.on('remove', (client) => inUse.delete(client));
}

async function hangs(config: PoolConfig, silentMs: number): Promise<boolean> {
  const client = new Client({ ...config, connectionTimeoutMillis: 0 });
  client.on('error', () => undefined);
  const over = new AbortController();
  const answered = client.connect().then(
    () => false,
    () => false,
  );
  const late = delay(silentMs, true, { signal: over.signal, ref: false }).catch(() => true);
  try {
    return await Promise.race([answered, late]);
  } finally {
    over.abort();
    closeSocket(client);
  }
}

/** Taking leave, as `end()` does, waits for a server that does not listen. */
function closeSocket(client: Client | PoolClient): void {
  (client as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
}
