import { type ArtifactView } from '../entities/artifact/artifact.js';
import { type AlertState } from '../entities/host/alert.js';
import { type HostView } from '../entities/host/host.js';
import { type InstanceLife } from '../entities/instance/instance.js';
import { type JobTimeline } from '../entities/job/job-timeline.js';
import { type NodeLifeTimeline } from '../entities/node/node.js';
import { type RecordKindName, type RecordView } from '../entities/record/record.js';
import { type UserView } from '../entities/user/user.js';
import { type WorkerView } from '../entities/worker/worker.js';

/** What the families of each kind see of an entity: its state, resolved once for all of them. */
export type MetricViews = {
  readonly job: JobTimeline;
  readonly node: readonly NodeLifeTimeline[];
  readonly worker: WorkerView;
  readonly artifact: ArtifactView;
  readonly user: UserView;
  readonly instance: readonly InstanceLife[];
  readonly host: HostView;
  readonly alert: AlertState;
  readonly event_type: { readonly type: string; readonly n: number };
} & { readonly [K in RecordKindName]: RecordView };
