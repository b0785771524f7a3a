import { AGGREGATION_METHODS } from '@quipu/archive';
import type { PlainValue } from '../forms/plain-value.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { needAdmin } from '../gnocchi-caller.js';
import { VERSION } from '../../version.js';

/** What lies directly below the version, whether it is served or not: clients look for their places in this list. */
const PLACES = [
  ...['aggregates', 'aggregation', 'archive_policy', 'archive_policy_rule', 'batch', 'capabilities'],
  ...['influxdb', 'metric', 'resource', 'resource_type', 'search', 'status'],
];

/** The document at the root. @param base where the version is, without a slash at its end. */
export function versionsDocument(base: string): PlainValue {
  return {
    build: VERSION,
    versions: [
      {
        status: 'CURRENT',
        links: [{ rel: 'self', href: `${base}/` }],
        id: 'v1.0',
        updated: '2015-03-19',
      },
    ],
  };
}

/** `GET /v1/` */
export function getVersion(_: GnocchiArchive, { base }: GnocchiCall): Promise<GnocchiAnswer> {
  const links = [
    { rel: 'self', href: base },
    ...PLACES.map((place) => ({ rel: place, href: `${base}/${place}` })),
  ];
  return Promise.resolve({ status: 200, value: { version: '1.0', links } });
}

/** `GET /v1/capabilities` */
export function getCapabilities(): Promise<GnocchiAnswer> {
  return Promise.resolve({ status: 200, value: { aggregation_methods: AGGREGATION_METHODS } });
}

/** `GET /v1/status` */
export async function getStatus(
  { series }: GnocchiArchive,
  { caller, query }: GnocchiCall,
): Promise<GnocchiAnswer> {
  needAdmin(caller);
  const details = query.flag('details', true);
  const { metrics: backlog, late, dropped } = await series.backlog();
  const measures = [...backlog.values()].reduce((sum, count) => sum + count, 0);
  const storage = {
    summary: { metrics: backlog.size, measures },
    ...(details ? { measures_to_process: backlog } : {}),
  };
  const statistics = { archive: { 'late-measures': Number(late), 'dropped-measures': Number(dropped) } };
  return { status: 200, value: { storage, metricd: { processors: null, statistics } } };
}
