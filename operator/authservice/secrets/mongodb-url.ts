import { replicaSet } from './names.ts'

/** DNS name and port of the only member of a managed MongoDB. */
export function mongodbMember({ name, namespace }: { name: string; namespace: string }): string {
  return `${name}-mongodb-0.${name}-mongodb.${namespace}.svc:27017`
}

/** The URL with which the server connects to a managed MongoDB, as a user that may only read and write its database. */
export function managedMongodbUrl(authService: { name: string; namespace: string }, login: MongodbLogin): string {
  return mongodbUrl(mongodbMember(authService), login)
}

/** Credentials of a MongoDB user, and the database that the user may access. */
export interface MongodbLogin {
  database: string
  user: string
  password: string
}

/** The URL of a replica set with one member. @param member its name and port */
export function mongodbUrl(member: string, { database, user, password }: MongodbLogin): string {
  const url = new URL(`mongodb://${member}/${encodeURIComponent(database)}`)
  url.username = user
  url.password = password
  url.search = new URLSearchParams({ replicaSet, authSource: 'admin' }).toString()
  return url.href
}
