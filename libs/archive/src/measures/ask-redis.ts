import { errorMessage, StoreUnavailableError } from '@quipu/platform';

/** Asks Redis something. @throws StoreUnavailableError if it does not answer. */
export async function askRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new StoreUnavailableError(`Redis does not answer: ${errorMessage(error)}`, { cause: error });
  }
}
