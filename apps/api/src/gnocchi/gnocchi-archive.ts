import type {
  ArchiveMetrics,
  ArchivePolicies,
  ArchiveResources,
  ArchiveRules,
  Measures,
} from '@quipu/archive';
import type { Clock } from '@quipu/platform';
import type { TimeSeries } from './time-series.js';

/** Takes measures; done when they are durable. */
export interface MeasuresIntake {
  /** @throws GnocchiError (503) when they cannot be taken now. */
  add(measures: Measures): Promise<void>;
}

/** All of the archive that handlers work with. */
export interface GnocchiArchive {
  readonly policies: ArchivePolicies;
  readonly rules: ArchiveRules;
  readonly metrics: ArchiveMetrics;
  readonly resources: ArchiveResources;
  readonly series: TimeSeries;
  readonly intake: MeasuresIntake;
  readonly clock: Clock;
}
