import { type Credentials, type KeyStore } from '@quipu/access';
import { cooprCaller } from './coopr-principal.js';

/** The credentials that the headers were read as. */
async function asked(headers: Record<string, string>): Promise<Credentials | undefined> {
  let seen: Credentials | undefined;
  const keys = {
    authenticate: (credentials: Credentials) => {
      seen = credentials;
      return Promise.resolve(null);
    },
  } as unknown as KeyStore;
  await cooprCaller(keys, { 'coopr-userid': 'ann', 'coopr-apikey': 'k', ...headers });
  return seen;
}

describe('the headers of the Coopr dialect', () => {
  it('are read as UTF-8 where their bytes are, else as Latin-1', async () => {
    const utf8 = Buffer.from('Zürich', 'utf8').toString('latin1');
    expect((await asked({ 'coopr-tenantid': utf8 }))?.tenant).toBe('Zürich');
    expect((await asked({ 'coopr-tenantid': 'Zürich' }))?.tenant).toBe('Zürich');
  });

  it('never reach the database with what no text can hold', async () => {
    expect(await asked({ 'coopr-tenantid': 'a\0b' })).toBeUndefined();
  });
});
