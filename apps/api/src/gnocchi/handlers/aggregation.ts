import { type ArchiveMetric, CatalogueError, mayUse } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import type { Query } from '../input/query.js';
import { toFloat } from '../input/python-numbers.js';
import { Invalid, listOf, type Schema } from '../input/schema.js';
import { parseUuid } from '../input/uuids.js';
import { type AcrossQuestion, FILL_WORDS } from '../time-series.js';
import { refresh, refusalOf, resampleOf, spanOf, unknownGranularity, unknownMethod } from './measures.js';

/** Most metrics of one question. */
const MAX_METRICS = 2_000;

const metricId: Schema<string> = (value, path) => {
  const id = typeof value === 'string' ? parseUuid(value) : null;
  if (id === null) throw new Invalid('not a valid value', path);
  return id;
};
const METRIC_IDS = listOf(metricId, { max: MAX_METRICS });

/** `GET /v1/aggregation/metric` */
export function getAggregation(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const given = call.query.all('metric');
  // A parameter without a value is none.
  return aggregate(archive, call, idsOf(given.length === 1 && given[0] === '' ? [] : given));
}

/** `POST /v1/aggregation/metric` */
export async function postAggregation(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return aggregate(archive, call, [...new Set(await call.body(METRIC_IDS))]);
}

function idsOf(value: readonly string[]): string[] {
  try {
    return [...new Set(METRIC_IDS(value, []))];
  } catch (error) {
    if (error instanceof Invalid) throw new GnocchiError(400, `Invalid input: ${error.text()}`);
    throw error;
  }
}

async function aggregate(
  archive: GnocchiArchive,
  call: GnocchiCall,
  ids: readonly string[],
): Promise<GnocchiAnswer> {
  const { query, caller } = call;
  const found =
    ids.length === 0 ? new Map<string, ArchiveMetric>() : await archive.metrics.find(caller.scope, ids);
  const missing = ids.find((id) => !found.has(id));
  if (missing !== undefined) throw CatalogueError.noSuchMetric(missing);
  const question = questionOf(query, archive.clock.now());
  const metrics = ids.map((id) => found.get(id)!);
  for (const metric of metrics) {
    if (!mayUse(caller.scope, metric)) throw new GnocchiError(403, '');
  }
  if (metrics.length === 0) return { status: 200, value: [] };
  const full = { ...question, ...resampleOf(query, question.granularityNs !== undefined) };
  checkPolicies(metrics, full);
  if (query.flag('refresh', false)) await refresh(archive, ids);
  const answer = await archive.series.across(metrics, full);
  if ('refused' in answer) throw refusalOf(answer, full, ids);
  return { status: 200, ...(await archive.answers.write(answer.series)) };
}

/** The parameters in the order in which the original looks at them. */
function questionOf(query: Query, nowMs: number): AcrossQuestion {
  const overlap = query.one('needed_overlap');
  const neededOverlap = overlap === undefined ? 100 : toFloat(overlap);
  if (neededOverlap === null || Number.isNaN(neededOverlap)) {
    throw GnocchiError.argument('needed_overlap', 'Must be a number');
  }
  const span = spanOf(query, nowMs);
  const reaggregation = query.one('reaggregation');
  return {
    ...span,
    neededOverlap,
    ...(reaggregation === undefined ? {} : { reaggregation }),
    ...fillOf(query),
  };
}

function fillOf(query: Query): Pick<AcrossQuestion, 'fill'> {
  const text = query.one('fill');
  if (text === undefined) return {};
  const word = FILL_WORDS.find((each) => each === text);
  const fill = word ?? toFloat(text);
  if (fill === null) throw GnocchiError.argument('fill', "Must be a float, 'dropna' or 'null'");
  return { fill };
}

/** @throws GnocchiError (404) where a metric does not have what is asked of all. */
function checkPolicies(metrics: readonly ArchiveMetric[], question: AcrossQuestion): void {
  const { aggregation, granularityNs } = question;
  for (const { id, policy } of metrics) {
    const width = granularityNs ?? policy.definition[0]!.granularityNs;
    const known = policy.aggregationMethods.includes(aggregation);
    if (!known && metrics.length === 1) throw unknownMethod(id, aggregation);
    const kept = policy.definition.some((item) => item.granularityNs === width);
    if (!known || !kept) throw unknownGranularity(id, { ...question, granularityNs: width });
  }
}
