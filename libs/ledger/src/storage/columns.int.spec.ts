import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { bigints, numerics, smallints, texts, uuids } from './columns.js';

describe('columns', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase({ migrated: false });
  });
  afterAll(() => database.drop());

  const read = async (type: string, column: Buffer): Promise<(string | null)[]> => {
    const { rows } = await database.pool.query<{ v: string | null }>(
      `SELECT v::text AS v FROM unnest($1::${type}[]) WITH ORDINALITY AS x (v, ord) ORDER BY ord`,
      [column],
    );
    return rows.map((row) => row.v);
  };

  it('carry integers of every size and sign', async () => {
    const values = [
      0,
      1,
      -1,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 32,
      -(2 ** 32),
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      -900_000,
    ];
    expect(await read('bigint', bigints(values))).toEqual(values.map(String));
    expect(await read('bigint', bigints([NaN, 5, NaN]))).toEqual([null, '5', null]);
    expect(await read('smallint', smallints(Uint8Array.of(0, 1, 3)))).toEqual(['0', '1', '3']);
  });

  it('carry numerics exactly, numbers and bigints', async () => {
    const numbers = [0, 1, -1, 9_999, 10_000, -10_000, 100_000_000, 2 ** 53 - 1, -(2 ** 53) + 1, 12_345_678];
    expect(await read('numeric', numerics(numbers))).toEqual(numbers.map(String));
    const large = [
      0n,
      10n ** 37n,
      -(10n ** 38n) + 1n,
      9_007_199_254_740_993n,
      -10_000n,
      123_456_789_012_345_678_901n,
    ];
    const column = numerics(
      large.map(() => 7),
      new Map(large.map((value, place) => [place, value])),
    );
    expect(await read('numeric', column)).toEqual(large.map(String));
  });

  it('carry texts as they are', async () => {
    const values = ['', 'plain', '{"a":"b\\\\c"}', "it's, {1}", 'größe 漢 😀 \u0001', null, 'NULL'];
    expect(await read('text', texts(values))).toEqual(values);
  });

  it('carry uuids', async () => {
    const id = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    expect(await read('uuid', uuids([{ id }]))).toEqual(['00112233-4455-6677-8899-aabbccddeeff']);
  });

  it('may be empty', async () => {
    for (const [type, column] of [
      ['bigint', bigints([])],
      ['numeric', numerics([])],
      ['text', texts([])],
      ['smallint', smallints([])],
      ['uuid', uuids([])],
    ] as const) {
      expect(await read(type, column)).toEqual([]);
    }
  });

  it('refuse more digits than the tables hold', () => {
    expect(() => numerics([0], new Map([[0, 10n ** 45n]]))).toThrow(RangeError);
  });
});
