/** A TypeBox schema as plain JSON Schema, with the additional keywords of AuthService fields. */
export interface FieldSchema {
  readonly [keyword: string]: unknown
}

export function isSchema(value: unknown): value is FieldSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
