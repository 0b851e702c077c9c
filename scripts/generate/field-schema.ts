/** A TypeBox schema, read as plain JSON Schema with the keywords that the AuthService's fields add. */
export interface FieldSchema {
  readonly [keyword: string]: unknown
}

export function isSchema(value: unknown): value is FieldSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
