import { createHash } from 'node:crypto'
import { BSON, ObjectId } from 'mongodb'

/**
 * The key of a user outside of the users' collection: in sessions, tokens, limits and events. For an ObjectId, its hex.
 * For an `_id` of any other type, `~` and the base64url of its canonical Extended JSON, so that it is a text that fits
 * into a path and a claim, and is unique.
 * @see https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
 */
export type UserKey = ObjectId | string

/** OpenID Connect Core section 2: maximum length of a `sub`. */
const maxCharacters = 255

/** @param id the `_id` of a document, of any BSON type */
export function keyOf(id: unknown): UserKey {
  if (id instanceof ObjectId) return id
  const json = BSON.EJSON.stringify(id, { relaxed: false })
  const text = `~${Buffer.from(json).toString('base64url')}`
  // Only for display in lists: it cannot be converted back, and such a user cannot log in.
  return text.length <= maxCharacters ? text : `~~${createHash('sha256').update(json).digest('base64url')}`
}

/** @param text of a token or a path */
export function parseUserKey(text: string): UserKey {
  return /^[0-9a-f]{24}$/.test(text) ? new ObjectId(text) : text
}

/** The `_id` of a key; undefined for a text that is not a key. */
export function idOf(key: UserKey): { id: unknown } | undefined {
  if (key instanceof ObjectId) return { id: key }
  if (!/^~[\w-]+$/.test(key)) return undefined
  try {
    const id: unknown = BSON.EJSON.parse(Buffer.from(key.slice(1), 'base64url').toString('utf8'), { relaxed: false })
    return keyOf(id) === key ? { id } : undefined
  } catch {
    return undefined // not Extended JSON
  }
}
