import { type Collection, type CreateIndexesOptions, type IndexDescriptionInfo, MongoServerError } from 'mongodb'

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
 * Creates the index, unless an equivalent one exists. Another program may have created it under another name, which
 * would make MongoDB refuse this one.
 */
export async function ensureIndex(collection: Collection, { key, ...wanted }: WantedIndex): Promise<void> {
  if (await hasIndex(collection, { key, ...wanted })) return
  await collection.createIndex(key, wanted)
}

/** Whether the index or an equivalent one with another name exists. */
export async function hasIndex(collection: Collection, wanted: WantedIndex): Promise<boolean> {
  return (await indexesOf(collection)).some((index) => doesTheSame(index, wanted))
}

function indexesOf(collection: Collection): Promise<IndexDescriptionInfo[]> {
  return collection.indexes().catch((error: unknown) => {
    // NamespaceNotFound: a collection that does not exist yet has none.
    if (error instanceof MongoServerError && error.code === 26) return []
    throw error
  })
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
