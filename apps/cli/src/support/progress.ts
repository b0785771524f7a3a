import cliProgress from 'cli-progress';
import { formatCount, formatDuration, formatRate } from './numbers.js';
import type { Terminal } from './terminal.js';

/** Something long that tells how far it is. All calls are cheap; call them as often as work happens. */
export interface Progress {
  /** `done` of `total` units of the bar, and `count` things worked off so far (for the rate). */
  update(done: number, count: number, label?: string): void;
  /** Says something meanwhile, on a line of its own. */
  say(line: string): void;
  /** Ends it, leaving the screen as if it had not been there (a bar) or nothing more to say (lines). */
  stop(): void;
}

/** Options of {@link createProgress}. */
export interface ProgressOptions {
  readonly label: string;
  /** Units of the whole bar; 0 or absent: unknown, so no bar and no time to go. */
  readonly total?: number;
  /** What is counted: `events`. */
  readonly unit: string;
  /** Say nothing at all. */
  readonly silent?: boolean;
  readonly now?: () => number;
}

const REDRAW_MS = 100;
const LINE_EVERY_MS = 10_000;

/**
 * Progress on stderr with rate and time to go: a bar on a terminal, a line every ten seconds elsewhere (so
 * that a log of a long import shows that it lives, and of a short one stays empty).
 */
export function createProgress(terminal: Terminal, options: ProgressOptions): Progress {
  const say = (line: string): void =>
    void terminal.err.write(`${terminal.errIsTty ? '\r\u001b[K' : ''}${line}\n`);
  if (options.silent) return { update: () => {}, say, stop: () => {} };
  const now = options.now ?? Date.now;
  const total = options.total ?? 0;
  const meter = new RateMeter(now());
  const describe = (done: number, count: number): string => {
    const parts = [`${formatCount(count)} ${options.unit}`, formatRate(meter.rate(now(), count))];
    const left = total > 0 ? meter.timeLeft(now(), done, total) : undefined;
    if (left !== undefined) parts.push(`${formatDuration(Math.ceil(left / 1000) * 1000)} to go`);
    return parts.join(' · ');
  };
  return terminal.errIsTty
    ? { ...barProgress(terminal, options.label, total, describe, now), say }
    : { ...lineProgress(terminal, options.label, total, describe, now), say };
}

function barProgress(
  terminal: Terminal,
  label: string,
  total: number,
  describe: (done: number, count: number) => string,
  now: () => number,
): Omit<Progress, 'say'> {
  const bar = new cliProgress.SingleBar({
    format: total > 0 ? '{label} {bar} {percentage}% · {facts}' : '{label} · {facts}',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    stream: terminal.err,
    clearOnComplete: true,
    hideCursor: true,
    fps: 10,
    gracefulExit: false,
  });
  bar.start(Math.max(1, total), 0, { label, facts: '' });
  let drawn = 0;
  return {
    update(done, count, newLabel): void {
      if (newLabel !== undefined) label = newLabel;
      if (now() - drawn < REDRAW_MS) return;
      drawn = now();
      bar.update(Math.min(done, Math.max(1, total)), { label, facts: describe(done, count) });
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(
  terminal: Terminal,
  label: string,
  total: number,
  describe: (done: number, count: number) => string,
  now: () => number,
): Omit<Progress, 'say'> {
  let written = now();
  return {
    update(done, count, newLabel): void {
      if (newLabel !== undefined) label = newLabel;
      if (now() - written < LINE_EVERY_MS) return;
      written = now();
      const share = total > 0 ? ` ${Math.floor((100 * done) / total)}% ·` : '';
      terminal.err.write(`${label}${share} ${describe(done, count)}\n`);
    },
    stop: () => {},
  };
}

/**
 * Rate over about the last five seconds, so that time to go follows a change of pace, and the mean before
 * that much is known.
 */
export class RateMeter {
  private readonly samples: { at: number; count: number }[];

  constructor(private readonly startedMs: number) {
    this.samples = [{ at: startedMs, count: 0 }];
  }

  /** Things per second, counting that `count` are done at `nowMs`. */
  rate(nowMs: number, count: number): number {
    this.samples.push({ at: nowMs, count });
    while (this.samples.length > 2 && nowMs - this.samples[1]!.at >= 5_000) this.samples.shift();
    const first = this.samples[0]!;
    return nowMs > first.at ? ((count - first.count) * 1000) / (nowMs - first.at) : 0;
  }

  /** Milliseconds until `total` at the mean pace so far; undefined while nothing is known. */
  timeLeft(nowMs: number, done: number, total: number): number | undefined {
    const elapsed = nowMs - this.startedMs;
    if (done <= 0 || elapsed < 1_000) return undefined;
    return (elapsed * Math.max(0, total - done)) / done;
  }
}
