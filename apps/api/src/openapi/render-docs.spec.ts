import { openApiDocument } from './openapi-document.js';
import { renderDocs } from './render-docs.js';

describe('the docs for people', () => {
  const html = renderDocs(openApiDocument('0.0.0'));
  const nav = /<nav>(.*?)<\/nav>/s.exec(html)![1]!;

  it('lead to every route there is', () => {
    const targets = [...nav.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
    expect(targets.length).toBeGreaterThan(50);
    expect(targets.filter((id) => !html.includes(`<section id="${id}">`))).toEqual([]);
  });

  it('keep a method and its path apart in a narrow column, and break long paths at a slash', () => {
    expect(nav).toContain('<span class="method">DELETE</span> <code><wbr>/v1<wbr>/metric<wbr>/{id}</code>');
    expect(html).toMatch(/nav a\{display:flex;gap:8px/);
  });
});
