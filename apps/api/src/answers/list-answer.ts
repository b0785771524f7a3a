import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Cell, writeCsv } from './csv.js';

/** One page of a list, and all it is written with. */
export interface ListPage<R extends Readonly<Record<string, unknown>>> {
  /** Members of the JSON answer besides `data` and `next`: what holds for the whole list. */
  readonly about?: Readonly<Record<string, unknown>>;
  /** The columns of the CSV, by the names of the rows' members. */
  readonly columns: readonly (keyof R & string)[];
  readonly rows: readonly R[];
  /** The cursor of the next page; null on the last one. */
  readonly next: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How an answer is written. */
export type ListFormat = 'json' | 'csv';

/** The format asked for: by the parameter `format`, else by `Accept`, where CSV must be preferred to JSON. */
export function listFormat(parameter: ListFormat | undefined, request: FastifyRequest): ListFormat {
  if (parameter !== undefined) return parameter;
  const accept = request.headers.accept ?? '';
  return quality(accept, 'text/csv') > quality(accept, 'application/json') ? 'csv' : 'json';
}

/** Sends a page. The next one stands in `next` (JSON) and in a `Link` header (both), since CSV has no other place. */
export function sendList<R extends Readonly<Record<string, unknown>>>(
  request: FastifyRequest,
  reply: FastifyReply,
  format: ListFormat,
  page: ListPage<R>,
): FastifyReply {
  const { about = {}, columns, rows, next, headers = {} } = page;
  void reply.code(200).headers({ ...headers, 'cache-control': 'no-store', vary: 'accept, authorization' });
  if (next !== null) void reply.header('link', `<${nextUrl(request.url, next)}>; rel="next"`);
  if (format === 'json') {
    return reply
      .header('content-type', 'application/json')
      .send(Buffer.from(JSON.stringify({ ...about, data: rows, next })));
  }
  const table = rows.map((row) => columns.map((column) => (row[column] ?? null) as Cell));
  return reply
    .header('content-type', 'text/csv; charset=utf-8; header=present')
    .send(Buffer.from(writeCsv(columns, table)));
}

/** Sends one thing as JSON that no cache may keep: numbers of a tenant, or a secret. */
export function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'content-type': 'application/json' })
    .send(Buffer.from(JSON.stringify(body)));
}

function nextUrl(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `${path}?${parameters.toString()}`;
}

/** The q of the most specific range of an Accept header that covers the type; 0 if none does. */
function quality(accept: string, type: string): number {
  const ranges = [type, `${type.split('/')[0]}/*`, '*/*'];
  let best = { rank: ranges.length, q: 0 };
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const rank = ranges.indexOf(range);
    if (rank < 0 || rank >= best.rank) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    best = { rank, q: q === undefined ? 1 : Number(q) || 0 };
  }
  return best.q;
}
