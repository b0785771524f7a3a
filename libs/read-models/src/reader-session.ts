import type { SessionSettings } from '@quipu/platform';

/**
 * Settings for the sessions that run these queries (`createPool(url, { session: READER_SESSION })`).
 * The statements are written so that one plan is right for all parameters; planning one of them takes
 * several times as long as running it, and Postgres by itself would plan every time, since its estimate
 * without parameters is higher. Compiling (jit) such short statements costs a hundred times their run.
 */
export const READER_SESSION: SessionSettings = {
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  statement_timeout: 30_000,
};
