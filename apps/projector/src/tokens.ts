/** Values that the projector is composed of and that have no class of their own. */
export const IO_STEPS = Symbol('io steps');
export const LOG_POOL = Symbol('log pool');
export const TOTALS_REDIS = Symbol('totals redis');
export const LEDGER_RUNNER = Symbol('ledger runner');
