import { createHash } from 'node:crypto'

/** 16 hexadecimal digits that change when the content does. The order of keys does not count. */
export function contentHash(content: unknown): string {
  return createHash('sha256').update(canonical(content)).digest('hex').slice(0, 16)
}

/**
 * JSON with sorted keys. A field that is undefined is a field that is left out. Fields are written without lists in
 * between: every child is hashed at every visit, and this was a sixth of what the operator computes after a restart.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const fields: Readonly<Record<string, unknown>> = { ...value }
  let text = ''
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key]
    if (field === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(field)}`
  }
  return `{${text}}`
}
