import type { Collection, Db, Document } from 'mongodb'
import { emailCollation } from '../migrations/email-collation.ts'
import { anomalies, anomaliesOf } from '../plugins/app/users/anomalies.ts'
import { canonicalStoredEmail, spellingsOf } from '../plugins/app/users/email.ts'
import { userProjection } from '../plugins/app/users/user.ts'
import { keyOf } from '../plugins/app/users/user-key.ts'

/** Maximum number of users that a line names. */
const maxNamed = 5
/** Maximum number of emails in an unusual form that are compared with each other. */
const maxCompared = 10_000

/** Recorded with the migrations. Raise it when the canonical form of emails or the checks change. */
const recordId = 'strange-users-1'

/**
 * Maximum number of users that a run checks while servers wait for it, which takes about half a minute. A dry run
 * checks all users.
 */
const maxBeforeServers = 200_000

/**
 * Checks on every dry run, and otherwise once for each collection: before the first servers of a version that reads
 * emails and documents in this way.
 */
export async function reportAnomalousUsers(
  db: Db,
  usersCollection: string,
  { dryRun }: { dryRun: boolean },
): Promise<string[]> {
  const records = db.collection<{ _id: string; at: Date }>('migrations')
  const _id = `${recordId}:${usersCollection}`
  if (!dryRun && (await records.findOne({ _id })) !== null) return []
  const lines = await anomalousUsers(db.collection(usersCollection), dryRun ? undefined : maxBeforeServers)
  if (!dryRun) await records.updateOne({ _id }, { $setOnInsert: { at: new Date() } }, { upsert: true })
  return lines
}

/**
 * The irregularities of the documents in this collection, one line for each kind. Names users by ID, because emails
 * must not be logged. They do not keep servers from starting, and nothing is changed. Reads every document once.
 * @param most users to check
 */
export async function anomalousUsers(users: Collection<Document>, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  let looked = 0
  const found = new Map<string, { count: number; ids: string[] }>()
  const note = (what: string, id: string) => {
    const entry = found.get(what) ?? { count: 0, ids: [] }
    found.set(what, { count: entry.count + 1, ids: entry.ids.length < maxNamed ? [...entry.ids, id] : entry.ids })
  }
  const unusual = new Map<string, string>()
  const tolerant = users.db.collection(users.collectionName, { enableUtf8Validation: false })
  for await (const document of tolerant.find({}, { projection: userProjection })) {
    if (looked++ === most) break
    const id = keyOf(document['_id']).toString()
    for (const oddity of anomaliesOf(document)) note(anomalies[oddity], id)
    const other = await sameEmail(tolerant, document, unusual)
    if (other !== undefined)
      note(
        `the email has the same canonical form as that of another user, who alone can log in with it`,
        `${id} (${other})`,
      )
  }
  const lines = [...found].map(([what, { count, ids }]) => {
    const named = `${ids.join(', ')}${count > ids.length ? `, and ${count - ids.length} more` : ''}`
    return `${count} ${count === 1 ? 'user' : 'users'}: ${what}: ${named}`
  })
  if (looked > most) lines.push(`only ${most} users were checked: --dry-run checks all of them`)
  return lines
}

/** Another user whose email has the same canonical form, although the index treats the two as different. */
async function sameEmail(
  users: Collection<Document>,
  { _id, email }: Document,
  unusual: Map<string, string>,
): Promise<string | undefined> {
  const canonical = typeof email === 'string' ? canonicalStoredEmail(email) : undefined
  if (canonical === undefined || canonical === email.toLowerCase()) return undefined
  const id = keyOf(_id).toString()
  const options = { collation: emailCollation, projection: userProjection }
  const others = await users.find({ email: { $in: spellingsOf(canonical) } }, options).toArray()
  const other = others.find((each) => keyOf(each['_id']).toString() !== id && isOf(canonical, each['email']))
  const known = other === undefined ? unusual.get(canonical) : keyOf(other['_id']).toString()
  if (known === undefined && unusual.size < maxCompared) unusual.set(canonical, id)
  return known
}

function isOf(canonical: string, email: unknown): boolean {
  return typeof email === 'string' && canonicalStoredEmail(email) === canonical
}
