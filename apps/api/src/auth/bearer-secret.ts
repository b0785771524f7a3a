const BEARER = /^bearer +([\x21-\x7e]{1,512}) *$/i;

/** The key in an `Authorization: Bearer <key>` header, or null: no such header, another scheme, no key. */
export function bearerSecret(header: string | undefined): string | null {
  return (header === undefined ? null : BEARER.exec(header)?.[1]) ?? null;
}
