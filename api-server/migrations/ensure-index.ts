import type { Collection, CreateIndexesOptions, IndexDescriptionInfo } from 'mongodb'

/** An index that servers rely on. */
export interface WantedIndex
  extends Pick<
    CreateIndexesOptions,
    'unique' | 'sparse' | 'expireAfterSeconds' | 'collation' | 'partialFilterExpression'
  > {
  name: string
  key: Record<string, 1 | -1>
}

/**
 * Makes the index, unless one that does the same is there. Another program may have made it under another name, which
 * MongoDB would refuse to make again.
 */
export async function ensureIndex(collection: Collection, { key, ...wanted }: WantedIndex): Promise<void> {
  for (const index of await indexesOf(collection)) if (doesTheSame(index, { key, ...wanted })) return
  await collection.createIndex(key, wanted)
}

/** Those of a collection that does not exist yet are none. */
async function indexesOf(collection: Collection): Promise<IndexDescriptionInfo[]> {
  const exists = await collection.db.listCollections({ name: collection.collectionName }, { nameOnly: true }).hasNext()
  return exists ? collection.indexes() : []
}

function doesTheSame(index: IndexDescriptionInfo, wanted: WantedIndex): boolean {
  return (
    JSON.stringify(index.key) === JSON.stringify(wanted.key) &&
    JSON.stringify(index.partialFilterExpression) === JSON.stringify(wanted.partialFilterExpression) &&
    (index.unique ?? false) === (wanted.unique ?? false) &&
    (index.sparse ?? false) === (wanted.sparse ?? false) &&
    index.expireAfterSeconds === wanted.expireAfterSeconds &&
    index['collation']?.locale === wanted.collation?.locale &&
    index['collation']?.strength === wanted.collation?.strength
  )
}
