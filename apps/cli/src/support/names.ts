import { MAX_NAME_LENGTH } from '@quipu/contracts';
import { UsageError } from '@quipu/platform';

/**
 * Refuses what people and HTTP headers cannot carry as a name.
 * @param what the name is of, as a sentence begins with it: `The principal's name`.
 * @throws UsageError that says what is allowed.
 */
export function checkName(what: string, text: string, max = MAX_NAME_LENGTH): void {
  if (text.length > 0 && text.length <= max && !/\p{Cc}/u.test(text)) return;
  throw new UsageError(`${what} cannot be ${JSON.stringify(text.slice(0, 80))}.`, {
    hint: `It has 1 to ${max} characters, all of them on one line.`,
  });
}
