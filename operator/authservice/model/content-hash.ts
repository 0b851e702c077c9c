import { createHash } from 'node:crypto'

/** 16 hexadecimal digits that change with the content. The order of keys does not matter. */
export function contentHash(content: unknown): string {
  return createHash('sha256').update(canonical(content)).digest('hex').slice(0, 16)
}

/**
 * JSON with sorted keys. A field that is undefined is omitted. Writes fields without intermediate lists: every
 * reconcile hashes every child, and the lists took a sixth of the computation after a restart.
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
