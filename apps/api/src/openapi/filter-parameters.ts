import type { ApiParameter } from './fragment.js';
import { queryParameter } from './parts.js';

const FILTERS = {
  user: ['Only of this user.', 'george'],
  queue: ['Only of jobs in this queue.', 'builds'],
  cluster: ['Only of this cluster.', 'c-17'],
  template: ['Only of clusters of this template.', 'hadoop'],
  provider: ['Only of nodes of this provider.', 'openstack'],
  hardware: ['Only of nodes of this hardware type.', 'large'],
  image: ['Only of nodes of this image type.', 'debian12'],
  service: ['Only of nodes that carry this service.', 'ssh'],
} as const;

/** The exact matches that narrow a question about usage, but for the tenant; `names` is what a dialect calls some. */
export function filterParameters(
  names: Readonly<Partial<Record<keyof typeof FILTERS, string>>> = {},
): ApiParameter[] {
  return Object.entries(FILTERS).map(([name, [description, example]]) =>
    queryParameter(names[name as keyof typeof FILTERS] ?? name, description, example),
  );
}
