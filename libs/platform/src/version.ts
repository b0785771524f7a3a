/** Version of Quipu, as the command line, the API's document and its metrics tell it; that of package.json. */
export const VERSION = '0.1.0';
