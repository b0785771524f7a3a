/** Values that a worker is composed of and that have no class of their own, or are made asynchronously. */
export const STOPPING = Symbol('stopping');
