import type { CurrentEvent } from '@quipu/contracts';
import { noContributions } from './contributions.js';
import type { EntityFold, Folded } from './entity-fold.js';
import { LatestFact } from './latest.js';
import { add, observe, type Labels } from './samples.js';

const COUNT_BOUNDS = [1, 2, 5, 10, 50, 100, 1000];
const SIZE_BOUNDS = Array.from({ length: 12 }, (_, k) => 1024 * 4 ** k);

/** The label of a scope: none for the one that is called like the tenant. */
export function scopeLabel(tenant: string, scope: string | undefined): Labels {
  return scope === undefined || scope === tenant ? {} : { scope };
}

/** Folds the events of one artifact. */
export class NaiveArtifact implements EntityFold {
  private readonly created = new LatestFact<CurrentEvent<'artifact.created'>>();
  private deleted = false;

  constructor(private readonly tenant: string) {}

  add(event: CurrentEvent): void {
    if (event.type === 'artifact.created') this.created.add(event);
    if (event.type === 'artifact.deleted') this.deleted = true;
  }

  close(): Folded {
    const contributions = noContributions();
    const { tenant } = this;
    const data = this.created.latest?.data;
    if (data !== undefined && !this.deleted) {
      const labels = { category: data.category, ...scopeLabel(tenant, data.scope) };
      const sizes = (data.files ?? []).map((file) => file.size);
      const bytes = sizes.reduce((sum, size) => sum + BigInt(size), 0n);
      add(contributions, 'artifacts', tenant, labels, 1);
      add(contributions, 'artifact_file_size', tenant, labels, bytes);
      add(contributions, 'quipu_artifact_bytes', tenant, {}, bytes);
      const counts = { bounds: COUNT_BOUNDS };
      observe(contributions, 'artifact_file_counts', tenant, labels, counts, sizes.length);
      for (const size of sizes) {
        observe(contributions, 'artifact_file_sizes', tenant, labels, { bounds: SIZE_BOUNDS }, size);
      }
    }
    return { contributions, parts: [] };
  }
}
