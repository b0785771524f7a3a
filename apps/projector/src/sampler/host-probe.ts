import { within } from '@quipu/ledger';
import { errorMessage, type Logger } from '@quipu/platform';
import type { MetricPoint } from '@quipu/read-models';

/** How long a look at one thing may take, ms: what comes later than that would be the next generation's. */
const PATIENCE_MS = 2_000;

/** What a {@link HostProbe} looks at. */
export interface HostProbeOptions {
  /** What it is about, for the log. */
  readonly name: string;
  readonly look: () => Promise<MetricPoint[]>;
  readonly logger: Logger;
  /** How long a look may take, ms; 2 s if absent. */
  readonly patienceMs?: number;
}

/**
 * A look at one thing of the host, which may fail or never come back. Its points are then left out, and a line of the
 * log says so, once until it goes well again: no generation waits for it, and none is lost with it.
 */
export class HostProbe {
  private underWay = false;
  private failing = false;

  constructor(private readonly options: HostProbeOptions) {}

  /** The points, or none. Never throws. */
  async points(): Promise<MetricPoint[]> {
    const { name, logger, patienceMs = PATIENCE_MS } = this.options;
    try {
      const points = await within(patienceMs, `Looking at ${name}`, this.once());
      if (this.failing) logger.info({ probe: name }, 'generations have these points of the host again');
      this.failing = false;
      return points;
    } catch (error) {
      if (!this.failing) {
        logger.warn(
          { probe: name, reason: errorMessage(error) },
          'generations lack these points of the host',
        );
      }
      this.failing = true;
      return [];
    }
  }

  /** One look at a time: what hangs is not asked every ten seconds anew, each time holding something of the process. */
  private async once(): Promise<MetricPoint[]> {
    if (this.underWay) throw new Error('The look before has not come back.');
    this.underWay = true;
    try {
      return await this.options.look();
    } finally {
      this.underWay = false;
    }
  }
}
