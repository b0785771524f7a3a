import { type PlainValue, pythonText, writeJson } from './plain-value.js';

/** A refusal as it is sent. */
export interface ErrorBody {
  readonly contentType: string;
  readonly text: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request URI Too Long',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

const EXPLANATIONS: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  401: 'This server could not verify that you are authorized to access the document you requested.  Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  409: 'There was a conflict when trying to complete your request.',
  412: 'Request precondition failed.',
  413: 'The body of your request was too large for this server.',
  414: 'The request URI was too long for this server.',
  429: 'The client has sent too many requests in a given amount of time.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
  501: 'The server does not implement what was requested.',
  503: 'The server is currently unavailable. Please try again at a later time.',
};

/** What an explanation may name of the request. */
export interface Refused {
  readonly method: string;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
}

/** Writes a refusal as the client accepts it: JSON, HTML, or else plain text. */
export function errorBody(status: number, detail: PlainValue, refused: Refused): ErrorBody {
  const title = TITLES[status] ?? 'Error';
  const form = formOf(refused.accept);
  if (form === 'json') {
    const text = writeJson({ code: status, title, description: detail });
    return { contentType: 'application/json', text };
  }
  const explanation = explanationOf(status, refused);
  const told = detail === null ? '' : typeof detail === 'string' ? detail : pythonText(detail);
  if (form === 'plain') {
    const text = `${status} ${title}\n\n${explanation}\n\n ${told}  `;
    return { contentType: 'text/plain; charset=UTF-8', text };
  }
  const head = ` <head>\n  <title>${status} ${title}</title>\n </head>`;
  // Where the request itself is quoted, the original's page is a shorter one, and breaks the sentence.
  const short = [405, 406, 415].includes(status);
  const said = escapeHtml(explanation)
    .replace(' (content', '\n(content')
    .replace(/server\. $/, 'server.\n');
  const body = ` <body>\n  <h1>${status} ${title}</h1>\n  ${said}<br /><br />\n${escapeHtml(told)}${short ? '' : '\n\n'}\n </body>`;
  return { contentType: 'text/html; charset=UTF-8', text: `<html>\n${head}\n${body}\n</html>` };
}

function explanationOf(status: number, { method, accept, contentType }: Refused): string {
  switch (status) {
    case 405:
      return `The method ${method} is not allowed for this resource. `;
    case 406:
      return `The resource could not be generated that was acceptable to your browser (content of type ${accept ?? ''}. `;
    case 415:
      return `The request media type ${contentType ?? 'None'} is not supported by this server. `;
    default:
      return EXPLANATIONS[status] ?? '';
  }
}

/** What a client that sent this `Accept` gets refusals as. */
function formOf(accept: string | undefined): 'json' | 'html' | 'plain' {
  if (accept === undefined || accept.trim() === '') return 'plain';
  const json = qualityOf(accept, 'application', 'json');
  const html = qualityOf(accept, 'text', 'html');
  if (json === 0 && html === 0) return 'plain';
  return html >= json ? 'html' : 'json';
}

/** True if answers, which are JSON, are acceptable. */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return qualityOf(accept, 'application', 'json') > 0;
}

/** The weight of the most specific range of an `Accept` header that covers a type; 0 if none does. */
export function qualityOf(accept: string, type: string, subtype: string): number {
  const ranges = [`${type}/${subtype}`, `${type}/*`, '*/*'];
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

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');
}
