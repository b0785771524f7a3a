import { escapeHtml, PAGE_STYLE } from '../page/render-page.js';
import type {
  ApiContent,
  ApiOperation,
  ApiParameter,
  ApiResponse,
  JsonSchema,
  Reference,
} from './fragment.js';
import type { OpenApiDocument } from './openapi-document.js';

const STYLE = `${PAGE_STYLE}
main{max-width:860px}
h2{margin-top:48px;font-size:20px}
h3{margin:28px 0 4px;font-size:16px}
h4{margin:14px 0 4px;font-size:13px;color:var(--soft)}
ul{padding-left:20px;color:var(--soft)}
nav ul{list-style:none;padding:0;columns:2 340px;margin:4px 0}
nav li{break-inside:avoid}
nav a{display:flex;gap:8px;text-decoration:none}
nav code{text-decoration:underline;min-width:0}
code,pre{font:13px/1.5 ui-monospace,monospace}
code{overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px;overflow-x:auto;margin:6px 0}
.method{display:inline-block;flex:none;min-width:68px;color:var(--accent);font-weight:600}
td,th{text-align:left;white-space:normal;vertical-align:top}
td:first-child code{overflow-wrap:normal;white-space:nowrap}
th:first-child,td:first-child{position:static;max-width:none}
section{border-top:1px solid var(--line)}`;

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
}

/** Renders the document for people: complete HTML without scripts or anything from elsewhere. */
export function renderDocs(document: OpenApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );
  const chapters = document.tags.map(({ name, description }) => {
    const own = entries.filter(({ operation }) => operation.tags[0] === name);
    return { name, description, own };
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quipu API</title>
<style>${STYLE}</style>
</head>
<body><main>
<h1><span>⌁</span> Quipu API</h1>
${prose(document.info.description)}
<p>For programs: <a href="/docs/openapi.json">/docs/openapi.json</a> (OpenAPI ${escapeHtml(document.openapi)}).</p>
<nav>${chapters.map(({ name, own }) => `<h4>${escapeHtml(name)}</h4><ul>${own.map(link).join('')}</ul>`).join('')}</nav>
${chapters
  .map(
    ({ name, description, own }) =>
      `<h2>${escapeHtml(name)}</h2>${prose(description)}${own.map((entry) => section(document, entry)).join('\n')}`,
  )
  .join('\n')}
<h2>Schemas</h2>
${Object.entries(document.components.schemas)
  .map(([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${pre(schema)}`)
  .join('\n')}
</main></body>
</html>
`;
}

function link({ method, path, operation }: Entry): string {
  // A path that is too long for its column breaks at a slash.
  const code = escapeHtml(path).replaceAll('/', '<wbr>/');
  const title = `<span class="method">${method.toUpperCase()}</span> <code>${code}</code>`;
  return `<li><a href="#${escapeHtml(operation.operationId)}">${title}</a></li>`;
}

function section(document: OpenApiDocument, { method, path, operation }: Entry): string {
  const parameters = (operation.parameters ?? []).map((one) => parameterOf(document, one));
  const body = operation.requestBody;
  return `<section id="${escapeHtml(operation.operationId)}">
<h3>${escapeHtml(operation.summary)}</h3>
<p><span class="method">${method.toUpperCase()}</span> <code>${escapeHtml(path)}</code> ${whoMayAsk(operation)}</p>
${operation.description === undefined ? '' : prose(operation.description)}
${parameters.length === 0 ? '' : `<h4>Parameters</h4>${table(['name', 'in', 'what', 'example'], parameters.map(parameterRow))}`}
${body === undefined ? '' : `<h4>Body</h4>${prose(body.description)}${examples(body.content)}`}
<h4>Answers</h4>
${Object.entries(operation.responses)
  .map(([status, one]) => answer(status, responseOf(document, one)))
  .join('\n')}
</section>`;
}

function whoMayAsk({ security }: ApiOperation): string {
  if (security.length === 0) return 'open to everybody';
  return security.map((all) => `with ${Object.keys(all).map(code).join(', ')}`).join(' or ');
}

function answer(status: string, { description, headers, content }: ApiResponse): string {
  const carried = headers === undefined ? '' : ` Headers: ${Object.keys(headers).map(code).join(', ')}.`;
  const shown = status.startsWith('2') && content !== undefined ? examples(content) : '';
  return `<p>${code(status)} ${inline(description)}${carried}</p>${shown}`;
}

function examples(content: ApiContent): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => {
      const text = typeof example === 'string' ? escapeHtml(example) : JSON.stringify(example, null, 2);
      return `<p>${code(type)}${schemaLinks(schema)}</p><pre>${typeof example === 'string' ? text : escapeHtml(text)}</pre>`;
    })
    .join('\n');
}

function schemaLinks(schema: JsonSchema): string {
  const names = new Set(
    [...JSON.stringify(schema).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? ''),
  );
  return [...names].map((name) => ` <a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`).join('');
}

function parameterRow(parameter: ApiParameter): string[] {
  const { name, required, description, schema, example } = parameter;
  const words = Array.isArray(schema['enum'])
    ? ` One of ${schema['enum'].map(String).map(code).join(', ')}.`
    : '';
  const preset =
    schema['default'] === undefined ? '' : ` Default ${code(JSON.stringify(schema['default']))}.`;
  const must = required === true ? ' Required.' : '';
  return [code(name), parameter.in, `${inline(description)}${words}${preset}${must}`, code(String(example))];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  const body = rows.map((row) => cells('td', row)).join('');
  return `<div class="card"><table><thead>${cells('th', head)}</thead><tbody>${body}</tbody></table></div>`;
}

function parameterOf(document: OpenApiDocument, parameter: ApiParameter | Reference): ApiParameter {
  if (!('$ref' in parameter)) return parameter;
  return document.components.parameters[parameter.$ref.split('/').at(-1) ?? '']!;
}

function responseOf(document: OpenApiDocument, response: ApiResponse | Reference): ApiResponse {
  if (!('$ref' in response)) return response;
  return document.components.responses[response.$ref.split('/').at(-1) ?? '']!;
}

/** Paragraphs and lists of the little CommonMark that descriptions use. */
function prose(text: string): string {
  return text
    .split('\n\n')
    .map((block) => {
      if (!block.startsWith('- ')) return `<p>${inline(block)}</p>`;
      const items = block.slice(2).split('\n- ');
      return `<ul>${items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`;
    })
    .join('\n');
}

function inline(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

function pre(value: unknown): string {
  return `<pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre>`;
}
