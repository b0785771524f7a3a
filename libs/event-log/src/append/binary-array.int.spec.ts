import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { byteaArray, hashArray, int8Array, textArray } from './binary-array.js';

describe('binary array parameters', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase({ migrated: false });
  });
  afterAll(() => database.drop());

  const echo = async (type: string, parameter: Buffer) =>
    (await database.pool.query(`SELECT $1::${type}[] AS value`, [parameter])).rows[0].value;

  it('carry texts of any kind, NULL among them', async () => {
    const texts = ['', 'a', '{"x": [1,2]}', '\\ " \' , {}', 'NULL', 'é漢😀', '\u0001\n', null, undefined];
    expect(await echo('text', textArray(texts))).toEqual(texts.map((text) => text ?? null));
    expect(await echo('text', textArray([]))).toEqual([]);
    expect(await echo('text', textArray(['\ud800']))).toEqual(['\u{fffd}']);
  });

  it('carry whole numbers beyond 2^32 and below zero', async () => {
    const numbers = [0, -1, 2 ** 40, -(2 ** 52), Number.MAX_SAFE_INTEGER];
    expect(await echo('int8', int8Array(numbers))).toEqual(numbers.map(String));
    expect(await echo('int8', int8Array([]))).toEqual([]);
  });

  it('carry bytes and hashes', async () => {
    const bytes = [Buffer.alloc(0), Buffer.from([0, 1, 255]), Buffer.from('"\\')];
    expect(await echo('bytea', byteaArray(bytes))).toEqual(bytes);
    const sum = '0123456789abcdef'.repeat(4);
    expect(await echo('bytea', hashArray([sum], 'bytea'))).toEqual([Buffer.from(sum, 'hex')]);
    expect(await echo('uuid', hashArray([sum, sum], 'uuid'))).toEqual(
      new Array(2).fill('01234567-89ab-cdef-0123-456789abcdef'),
    );
    expect(await echo('uuid', hashArray([], 'uuid'))).toEqual([]);
  });
});
