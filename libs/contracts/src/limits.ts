/** Most bytes of one event: UTF-8 bytes of the compact JSON of what is kept of it (64 KiB). */
export const MAX_EVENT_BYTES = 65_536;
/** Deepest nesting of objects and arrays; the event itself is level 1, its data level 2. */
export const MAX_NESTING = 16;
/** How far, in ms, an event's time may lie ahead of the receiver's clock. */
export const MAX_AHEAD_MS = 5 * 60_000;
/**
 * Most UTF-16 code units of `id`, `source` and `subject`. With the limits of tenant and names it keeps every
 * index row of the ledger below the 2,704 bytes that a B-tree page of PostgreSQL can hold.
 */
export const MAX_ATTRIBUTE_LENGTH = 512;
/** Most UTF-16 code units of `sequence`. */
export const MAX_SEQUENCE_LENGTH = 64;
/** Most UTF-16 code units of a name in the data: queue, user, cluster, worker, ... */
export const MAX_NAME_LENGTH = 200;
/** Most UTF-16 code units of a label's name, and of an architecture. */
export const MAX_LABEL_LENGTH = 100;
/** Most UTF-16 code units of a free text, such as an error message. */
export const MAX_TEXT_LENGTH = 16_384;
/** Most labels of one entity, and most elements of a list of names. */
export const MAX_LIST_LENGTH = 64;
/** Most files that one artifact event may list. */
export const MAX_FILES = 2_000;
/** Most nodes that one job may hold. */
export const MAX_NODES = 1_000_000;
/** Most characters of the sender's input that a refusal's detail repeats. */
export const MAX_ECHO_LENGTH = 200;
