import { usageKeyId } from '@quipu/ledger';

/** Which worker. */
export interface WorkerPlaceName {
  readonly tenant: string;
  /** Its subject without `worker/`. */
  readonly worker: string;
}

const NOTHING_ELSE = {
  ...{ user: null, queue: null, template: null, provider: null, hardware: null, image: null },
  services: [],
};

/** `usage_keys.key_id` of the levels of a worker's slots, as text: known without a look at the table. */
export function workerKeyId({ tenant, worker }: WorkerPlaceName): string {
  const hex = usageKeyId(0, { ...NOTHING_ELSE, tenant, cluster: worker }).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
