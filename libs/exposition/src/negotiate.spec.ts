import { negotiateFormat } from './negotiate.js';

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('content negotiation', () => {
  it.each([
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/*', 'text'],
    ['text/plain', 'text'],
    ['text/plain; charset=utf-8', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
    ['application/*', 'openmetrics'],
    [PROMETHEUS_2, 'openmetrics'],
    [PROMETHEUS_3, 'openmetrics'],
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['application/openmetrics-text;q=0.3,text/plain;q=0.7', 'text'],
    ['application/openmetrics-text,text/plain', 'openmetrics'],
    ['text/plain,*/*', 'text'],
    ['text/html,*/*;q=0.8', 'text'],
    ['text/plain;q=0,*/*', 'openmetrics'],
    ['application/openmetrics-text;version=2.0.0,*/*;q=0.1', 'text'],
    ['text/html', null],
    ['text/plain;q=0', null],
    ['*/*;q=0', null],
    ['text/plain;version=1.0.0', null],
    ['text/plain;q=2', null],
    ['text/plain;q=1.5', null],
    ['text/plain;q=.', null],
    ['text/plain;q=', null],
    ['text/html, image/gif, *; q=.2, */*; q=.2', 'text'],
    ['text/plain;q=.2,application/openmetrics-text;q=0.3333', 'openmetrics'],
    ['text/plain;q=1.,application/openmetrics-text;q=0.', 'text'],
    ['text/plain ; q=1.0000 , application/openmetrics-text ; q=0.9999', 'text'],
    [', ,text/plain,', 'text'],
    ['nonsense', null],
  ])('%p gets %p', (accept, format) => {
    expect(negotiateFormat(accept)).toBe(format);
  });

  it.each([
    ['openmetrics', 'openmetrics'],
    ['prometheus', 'text'],
    ['text', 'text'],
    ['json', null],
    ['toString', null],
  ])('?format=%s gets %p, whatever Accept says', (named, format) => {
    expect(negotiateFormat(PROMETHEUS_2, named)).toBe(format);
    expect(negotiateFormat('text/html', named)).toBe(format);
  });

  it('an empty ?format= says nothing', () => {
    expect(negotiateFormat(PROMETHEUS_2, '')).toBe(negotiateFormat(PROMETHEUS_2));
    expect(negotiateFormat('text/html', '')).toBeNull();
  });
});
