import type {
  ArchiveMetrics,
  ArchivePolicies,
  ArchiveResources,
  ArchiveRules,
  Measures,
} from '@quipu/archive';
import type { Clock } from '@quipu/platform';
import type { MeasuresJson } from './forms/measures-json.js';
import type { TimeSeries } from './time-series.js';

/** Takes measures; done when they are durable. */
export interface MeasuresIntake {
  /**
   * @param tenant the tenant of whoever sends them.
   * @throws GnocchiError (503, 429) when they cannot be taken now.
   */
  add(measures: Measures, tenant: string): Promise<void>;
}

/** All of the archive that handlers work with. */
export interface GnocchiArchive {
  readonly policies: ArchivePolicies;
  readonly rules: ArchiveRules;
  readonly metrics: ArchiveMetrics;
  readonly resources: ArchiveResources;
  readonly series: TimeSeries;
  readonly intake: MeasuresIntake;
  /** Writes what is told of series. */
  readonly answers: MeasuresJson;
  readonly clock: Clock;
}
