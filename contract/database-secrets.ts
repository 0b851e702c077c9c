/** Keys of the Secrets with the passwords of managed databases; each is a file in the mounted Secret. */
export const secretKeys = {
  /** `<stage>:<value>` during a rotation of passwords. */
  rotation: 'rotation',
  /** Redis. */
  password: 'password',
  nextPassword: 'next-password',
  previousPassword: 'previous-password',
  /** MongoDB. */
  adminPassword: 'admin-password',
  appUser: 'app-user',
  appPassword: 'app-password',
  nextAppPassword: 'next-app-password',
  previousAppPassword: 'previous-app-password',
} as const

/** The user that sets up a managed MongoDB. */
export const adminUser = 'admin'

/**
 * The two users with which servers authenticate, alternately: a MongoDB user has one password, so the next password
 * belongs to the other user. They may only read and write the database of the server.
 */
export const appUsers = ['auth', 'auth-b'] as const

/** The user of the next password of a managed MongoDB. */
export function otherUserOf(user: string): string {
  return user === appUsers[0] ? appUsers[1] : appUsers[0]
}
