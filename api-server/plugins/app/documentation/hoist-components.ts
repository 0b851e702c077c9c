import { isDeepStrictEqual } from 'node:util'

/**
 * Moves every schema with a title to `components.schemas`, under its title, and replaces it by a reference, so that a
 * generated client has one type with that name.
 * @throws when two different schemas have the same title
 */
export function hoistComponents(tree: unknown): { tree: unknown; schemas: Record<string, unknown> } {
  const schemas: Record<string, Record<string, unknown>> = {}
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    const copy = Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, isData(key) ? value : walk(value)]),
    )
    const { title } = copy
    // `info` has a title as well. A schema has a type, or combines other schemas.
    if (typeof title !== 'string' || !('type' in copy || 'allOf' in copy || 'anyOf' in copy)) return copy
    const known = schemas[title]
    if (known !== undefined && !isDeepStrictEqual(withoutExamples(known), withoutExamples(copy))) {
      throw new Error(`Two different schemas have the title ${title}: a title names one component.`)
    }
    schemas[title] = { ...known, ...copy }
    return { $ref: `#/components/schemas/${title}` }
  }
  return { tree: walk(tree), schemas }
}

/** Examples of a whole body are already next to its schema; those of a part are still in it. */
function withoutExamples({ examples: _, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema
}

/** Keys whose value is data, not schema. */
function isData(key: string): boolean {
  return key === 'example' || key === 'examples' || key === 'default' || key === 'enum' || key === 'const'
}
