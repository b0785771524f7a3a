import { formatCount, formatDuration } from '../support/numbers.js';
import { type Terminal } from '../support/terminal.js';

/** How far the demo is. */
export interface DemoState {
  readonly elapsedMs: number;
  readonly forMs: number;
  readonly events: number;
}

/**
 * Where the demo shows what changes: on a terminal one place that is drawn over again, elsewhere one block
 * after the other, rarely.
 */
export class DemoScreen {
  private drawnLines = 0;
  private lastBlockMs = -Infinity;

  constructor(
    private readonly terminal: Terminal,
    private readonly forMs: number,
  ) {}

  /** Whether a new drawing is wanted after this much of the demo. */
  wants(elapsedMs: number): boolean {
    const every = this.terminal.outIsTty ? 1_000 : Math.max(5_000, this.forMs / 6);
    return elapsedMs - this.lastBlockMs >= every;
  }

  draw(state: DemoState, tables: readonly string[]): void {
    this.lastBlockMs = state.elapsedMs;
    const { bold, dim } = this.terminal.colours;
    const { elapsedMs, forMs, events } = state;
    const title = `${bold('demo')}  ${formatDuration(Math.floor(elapsedMs / 1000) * 1000)} of ${formatDuration(forMs)}`;
    const lines = [
      `${title}  ${dim(`${formatCount(events)} events`)}`,
      '',
      ...tables.join('\n\n').split('\n'),
      '',
    ];
    if (!this.terminal.outIsTty) {
      this.terminal.out.write(`${lines.join('\n')}\n`);
      return;
    }
    // Up to where the last drawing began, each line cleared to its end, and what is left below it too.
    const up = this.drawnLines > 0 ? `\u001b[${this.drawnLines}A` : '';
    this.terminal.out.write(`${up}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.drawnLines = lines.length;
  }
}
