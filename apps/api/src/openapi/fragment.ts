/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** Points into the components of the document. */
export interface Reference {
  readonly $ref: string;
}

/** One parameter of an operation. */
export interface ApiParameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required?: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example: unknown;
}

/** A body by media type. */
export type ApiContent = Readonly<Record<string, { readonly schema: JsonSchema; readonly example: unknown }>>;

/** One answer of an operation. */
export interface ApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Reference>>;
  readonly content?: ApiContent;
}

/** One operation. */
export interface ApiOperation {
  readonly tags: readonly [string];
  readonly operationId: string;
  /** A few words; the title in lists. */
  readonly summary: string;
  /** CommonMark. */
  readonly description?: string;
  /** Who may ask: alternatives; [] for everybody. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (ApiParameter | Reference)[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly description: string;
    readonly content: ApiContent;
  };
  readonly responses: Readonly<Record<string, ApiResponse | Reference>>;
}

/** The operations of one path. */
export type ApiPath = Partial<Readonly<Record<'get' | 'post' | 'delete' | 'put' | 'patch', ApiOperation>>>;

/** What one feature adds to the document; the feature's folder owns it. */
export interface ApiFragment {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, with parameters as `{name}`. */
  readonly paths: Readonly<Record<string, ApiPath>>;
  /** Schemas that others may refer to with `schemaOf(name)`. */
  readonly schemas?: Readonly<Record<string, JsonSchema>>;
}
