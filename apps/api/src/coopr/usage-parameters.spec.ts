import { usageBody } from './usage-body.js';
import { firstValues, parseFilters, parseUsageParameters } from './usage-parameters.js';

const bodyOf = (raw: Record<string, string>): string | undefined => {
  const parsed = parseUsageParameters(raw);
  return parsed.ok ? undefined : parsed.body;
};

describe('the parameters of node usage', () => {
  it('take start and end as whole seconds of the years 1 to 9999', () => {
    expect(parseUsageParameters({ start: '-5', end: '+22' })).toMatchObject({
      ok: true,
      parameters: { start: -5000, end: 22_000 },
    });
    for (const wrong of [
      '',
      'abc',
      '1.5',
      '1e3',
      ' 5',
      '0x10',
      '9223372036854775808',
      '-62135596801',
      '253402300800',
      '9'.repeat(400),
    ]) {
      expect(bodyOf({ start: wrong })).toBe(`Incorrect value for start ${wrong} or end null timestamp`);
      expect(bodyOf({ start: '5', end: wrong })).toBe(
        `Incorrect value for start 5 or end ${wrong} timestamp`,
      );
    }
  });

  it('are checked in order: times, groupby, timeunit', () => {
    expect(bodyOf({ start: 'x', groupby: 'x', timeunit: 'x' })).toContain('start x');
    expect(bodyOf({ groupby: 'Day', timeunit: 'x' })).toBe('Incorrect value for field groupby: Day');
    expect(bodyOf({ groupby: '' })).toBe('Incorrect value for field groupby: ');
    expect(bodyOf({ timeunit: 'second' })).toBe('Incorrect value for field timeunit: second');
    expect(bodyOf({ timeunit: 'constructor' })).toBe('Incorrect value for field timeunit: constructor');
    expect(bodyOf({ timeunit: 'HOURS', groupby: 'week' })).toBeUndefined();
  });

  it('use the first value of a repeated parameter', () => {
    expect(firstValues({ user: ['ann', 'bob'], start: '5' })).toMatchObject({ user: 'ann', start: '5' });
  });

  it('refuse filters no stored text can equal', () => {
    expect(parseFilters({ user: 'a\0b' })).toBeNull();
    expect(parseFilters({ hardwaretype: 'small', service: 'nginx', color: 'red' })).toEqual({
      hardware: 'small',
      service: 'nginx',
    });
  });
});

describe('the body of node usage', () => {
  it('cuts the exact sum once, and writes integers of any size', () => {
    expect(
      usageBody(10_500, 20_000, [{ time: 10_500, ms: 3_800n }], { numerator: 1n, denominator: 1000n }),
    ).toBe('{"start":10,"end":20,"data":[{"time":10,"value":3}]}');
    const large = usageBody(0, 1000, [{ time: 0, ms: 2n ** 60n }], {
      numerator: 1_000_000n,
      denominator: 1n,
    });
    expect(large).toContain(`"value":${2n ** 60n * 1_000_000n}}`);
  });
});
