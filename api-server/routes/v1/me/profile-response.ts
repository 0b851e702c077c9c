import type { Profile } from '../../../plugins/app/accounts/profile.ts'
import { publicUser } from '../../../plugins/app/users/user.ts'

export function profileResponse({ user, isEmailVerified, pendingEmail }: Profile) {
  return { ...publicUser(user), email_verified: isEmailVerified, pending_email: pendingEmail ?? null }
}
