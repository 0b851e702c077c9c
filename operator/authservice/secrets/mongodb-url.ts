import { replicaSet } from './names.ts'

/** DNS name and port of the only member of a managed MongoDB. */
export function mongodbMember({ name, namespace }: { name: string; namespace: string }): string {
  return `${name}-mongodb-0.${name}-mongodb.${namespace}.svc:27017`
}

/** The URL that the server connects to a managed MongoDB with, as a user that may read and write its database only. */
export function managedMongodbUrl(
  authService: { name: string; namespace: string },
  { database, user, password }: { database: string; user: string; password: string },
): string {
  const url = new URL(`mongodb://${mongodbMember(authService)}/${encodeURIComponent(database)}`)
  url.username = user
  url.password = password
  url.search = new URLSearchParams({ replicaSet, authSource: 'admin' }).toString()
  return url.href
}
