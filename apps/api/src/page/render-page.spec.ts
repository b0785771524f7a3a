import { type PageModel, renderNotice, renderPage } from './render-page.js';

const MODEL: PageModel = {
  asOf: Date.parse('2026-01-02T03:04:05Z'),
  depth: [
    { tenant: 'acme', queued: 1234, delayed: 2, blocked: 1, inProgress: 9, oldestMs: 3_723_000 },
    { tenant: '<script>alert(1)</script>', queued: 0, delayed: 0, blocked: 0, inProgress: 0, oldestMs: null },
  ],
  usage: [{ tenant: 'acme', lastDay: 3_599_999n, total: 2n ** 70n }],
  lag: { events: 0n, ms: 0 },
  warnings: [],
};

describe('the status page', () => {
  it('shows depth and usage, and their sums', () => {
    const html = renderPage(MODEL);
    expect(html).toContain('<td>acme</td><td>1,234</td><td>2</td><td>1</td><td>9</td><td>1 h 2 min</td>');
    expect(html).toContain('<td>all</td><td>1,234</td>');
    expect(html).toContain('every event is counted');
  });

  it('leads to everything else there is to ask', () => {
    const html = renderPage(MODEL);
    expect(html).toContain('<a href="/docs">/docs</a>');
    // Whoever follows a link sends no headers of a dialect: what asks for them would answer 401.
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
    expect(links).toEqual(['/docs#queues', '/docs#usage', '/health/ready', '/docs']);
  });

  it('cuts node-hours, exactly, at any size', () => {
    expect(renderPage(MODEL)).toContain(
      `<td>0.99</td><td>${(2n ** 70n / 3_600_000n).toLocaleString('en-US')}.`,
    );
  });

  it('escapes what comes from outside', () => {
    expect(renderPage(MODEL)).not.toContain('<script');
    expect(renderNotice('a"b', "<x> & 'y'")).toContain('&#60;x&#62; &#38; &#39;y&#39;');
  });

  it('says why it is degraded and how far it is behind', () => {
    const html = renderPage({
      ...MODEL,
      lag: { events: 12n, ms: 3400 },
      warnings: ['The projection is halted.'],
    });
    expect(html).toContain('degraded · 12 events behind, 3.4 s');
    expect(html).toContain('The projection is halted.');
  });
});
