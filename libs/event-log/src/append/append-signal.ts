import type { Pool } from 'pg';

/** The channel on which appends are told. */
export const APPEND_CHANNEL = 'quipu_log';

const QUIET_MS = 10;

/**
 * Tells other processes that the log grew.
 *
 * Idle → raise → telling → quiet (10 ms) → idle, or telling again if raised meanwhile. So a burst of
 * appends costs two notifications, and the last append is always followed by one. NOTIFY takes a lock that
 * is global to the server until its transaction ends, therefore never inside the append; and as nobody
 * relies on it (readers poll as well), its commit does not wait for the disk and its errors are dropped.
 */
export class AppendSignal {
  private telling = false;
  private again = false;

  constructor(private readonly pool: Pool) {}

  /** Call after each append that added events. Returns at once. */
  raise(): void {
    if (this.telling) {
      this.again = true;
      return;
    }
    this.telling = true;
    this.pool
      .query(`SELECT set_config('synchronous_commit', 'off', true), pg_notify('${APPEND_CHANNEL}', '')`)
      .catch(() => undefined)
      .finally(() => setTimeout(() => this.rest(), QUIET_MS).unref());
  }

  private rest(): void {
    this.telling = false;
    if (!this.again) return;
    this.again = false;
    this.raise();
  }
}
