import { type Clock, type Config, type Logger } from '@quipu/platform';

/** Injection token of the clock that answers stand at. */
export const API_CLOCK = Symbol('API_CLOCK');
/** Injection token of the API's logger. */
export const API_LOGGER = Symbol('API_LOGGER');
/** Injection token of the configuration. */
export const API_CONFIG = Symbol('API_CONFIG');

/** The clock's type, as an interface that decorated constructors can name. */
export type ApiClock = Clock;
/** The logger's type. */
export type ApiLogger = Logger;
/** The configuration's type. */
export type ApiConfig = Config;
