import fc from 'fast-check';
import { renderText } from '@quipu/exposition';
import { SAMPLE_FAMILIES } from '../../libs/exposition/test/sample-families.js';
import { randomFamilies } from './families.js';
import { strictParser } from './strict-parser.js';

const parser = strictParser();
const accepts = typeof parser === 'function' ? it : it.skip;
const parse = typeof parser === 'function' ? parser : () => null;
if (typeof parser !== 'function')
  process.stderr.write(`SKIPPED strict OpenMetrics parsing: ${parser.missing}\n`);

describe('the strict OpenMetrics parser of Prometheus’s Python client', () => {
  accepts('accepts the sample families', () => {
    expect(parse(renderText(SAMPLE_FAMILIES, 'openmetrics'))).toBeNull();
  });

  accepts('accepts whatever families there are', () => {
    const families = fc
      .sample(randomFamilies, 100)
      .flat()
      .map(({ family }, i) => ({ ...family, name: `f${i}_${family.name}` }));
    expect(parse(renderText(families, 'openmetrics'))).toBeNull();
  });

  accepts('would say so if something were wrong', () => {
    expect(parse('# HELP a A.\n# TYPE a counter\na 1\n# EOF\n')).not.toBeNull();
    expect(parse(renderText(SAMPLE_FAMILIES, 'text'))).not.toBeNull();
  });
});
