import type { Collection, Document, Filter } from 'mongodb'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { readUser, type StoredUser, type UserDocument, userProjection } from './user.ts'
import { idOf, parseUserKey } from './user-key.ts'

/** Filters of a user list, all of which must match. */
export interface UserSearch {
  /** Prefix of the email, in canonical form. */
  prefix?: string
  /** Part of the name, ignoring case. */
  name?: string
  role?: UserDocument['role']
  isActive?: boolean
  /** `next` of the previous page. */
  after?: string
  /** Maximum number of users on a page. */
  limit: number
}

export interface UserPage {
  /** Can be fewer than the limit, or none, on any page. */
  users: StoredUser[]
  /** Start of the next page; null on the last one. */
  next: string | null
}

/**
 * Maximum number of users that one page examines in a search without an index, so that a search of millions takes
 * several pages.
 */
const maxExamined = 5_000
/**
 * Length of an email in a cursor, which must fit into a URL. Users whose emails share more than this with the previous
 * one are skipped.
 */
const maxCursorCharacters = 300
/** The character that sorts last. */
const last = '\uffff'

/** `saysActive` as a MongoDB query, which compares whole values of any type. */
export const isActiveInDatabase: Document = {
  $or: [{ $eq: [{ $type: '$is_active' }, 'missing'] }, { $in: ['$is_active', [true, 1, 'true']] }],
}

type Read = (document: Document) => StoredUser

/**
 * Users in the order of their emails, by the unique index, followed by those whose email is not text, in the order of
 * their IDs. A cursor is `e` and an email, or `i` and the key of a user.
 */
export async function listUsers(
  users: Collection<Document>,
  search: UserSearch,
  read: Read = readUser,
): Promise<UserPage> {
  const { after = 'e', prefix = '' } = search
  if (after.startsWith('i')) return listWithoutEmail(users, search, read, after.slice(1))
  const page = await listByEmail(users, search, read, after.slice(1))
  // After the last email.
  return page.next === null && prefix === '' ? { users: page.users, next: 'i' } : page
}

async function listByEmail(
  users: Collection<Document>,
  search: UserSearch,
  read: Read,
  after: string,
): Promise<UserPage> {
  const { prefix = '', limit } = search
  const options = { collation: emailCollation, projection: userProjection }
  const email = { ...(after === '' ? { $gte: prefix } : { $gt: after }), ...(prefix !== '' && { $lt: prefix + last }) }
  // A list of texts would match each of its elements.
  const isText = { $expr: { $eq: [{ $type: '$email' }, 'string'] } }
  const range: Filter<Document>[] = [{ email }, isText]
  const conditions = conditionsOf(search)
  // Administrators have an index, and without a filter the first users are the result.
  const isBounded = conditions.length > 0 && search.role !== 'admin'
  const end = isBounded ? await lastToExamine(users, range) : undefined
  if (end !== undefined) range.push({ email: { $lte: end } })
  const cursor = users.find({ $and: [...range, ...conditions] }, options)
  const found = (
    await cursor
      .sort({ email: 1 })
      .limit(limit + 1)
      .toArray()
  ).map(read)
  const page = found.slice(0, limit)
  const behind = found.length > limit ? page.at(-1)?.email : end
  return { users: page, next: behind === undefined ? null : emailCursor(behind) }
}

function emailCursor(email: string): string {
  return email.length <= maxCursorCharacters ? `e${email}` : `e${email.slice(0, maxCursorCharacters)}${last}`
}

/** The email of the last user that one page may examine; undefined when it may examine all of them. */
async function lastToExamine(users: Collection<Document>, range: Filter<Document>[]): Promise<string | undefined> {
  const options = { collation: emailCollation, projection: { email: 1 } }
  const [end] = await users
    .find({ $and: range }, options)
    .sort({ email: 1 })
    .skip(maxExamined - 1)
    .limit(1)
    .toArray()
  return end?.['email']
}

/**
 * Uses ranges of the index, one for each type. They do not include lists of texts: only a scan of all users would find
 * those, as the dry run of the migration does.
 */
async function listWithoutEmail(
  users: Collection<Document>,
  search: UserSearch,
  read: Read,
  after: string,
): Promise<UserPage> {
  const { limit } = search
  const key = idOf(parseUserKey(after))
  const filters: Filter<Document>[] = [
    { $or: [{ email: null }, { email: { $eq: [] } }, { email: { $type: [...typesBesideText] } }] },
    { $expr: { $ne: [{ $type: '$email' }, 'string'] } },
    ...(key === undefined ? [] : [{ $expr: { $gt: ['$_id', { $literal: key.id }] } }]),
    ...conditionsOf(search),
  ]
  const cursor = users.find({ $and: filters }, { collation: emailCollation, projection: userProjection })
  const found = (
    await cursor
      .sort({ _id: 1 })
      .limit(limit + 1)
      .toArray()
  ).map(read)
  const page = found.slice(0, limit)
  return { users: page, next: found.length > limit ? `i${page.at(-1)?._id}` : null }
}

/** Aliases of BSON's types. @see https://www.mongodb.com/docs/manual/reference/operator/query/type/ */
const typesBesideText = [
  'double',
  'object',
  'binData',
  'objectId',
  'bool',
  'date',
  'null',
  'regex',
  'javascript',
  'int',
  'timestamp',
  'long',
  'decimal',
  'minKey',
  'maxKey',
] as const

function conditionsOf({ name, role, isActive }: UserSearch): Filter<Document>[] {
  const isAdmin = { $expr: { $eq: ['$role', 'admin'] } }
  const conditions: (Filter<Document> | undefined)[] = [
    name === undefined ? undefined : { name: { $regex: name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), $options: 'i' } },
    role === undefined ? undefined : role === 'admin' ? { role: 'admin', ...isAdmin } : { $nor: [isAdmin] },
    isActive === undefined ? undefined : { $expr: isActive ? isActiveInDatabase : { $not: [isActiveInDatabase] } },
  ]
  return conditions.filter((condition) => condition !== undefined)
}
