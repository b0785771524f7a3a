/** Version of the API, as its document and its metrics tell it. */
export const VERSION = '0.1.0';
