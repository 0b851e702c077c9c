import { isActive, publicUser, type StoredUser } from '../../../../plugins/app/users/user.ts'

/** A user, as shown to administrators. */
export function adminUser(user: StoredUser) {
  return {
    ...publicUser(user),
    is_active: isActive(user),
    updated_at: user.updated_at?.toISOString() ?? null,
  }
}
